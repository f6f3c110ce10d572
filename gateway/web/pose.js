/**
 * Poses, both ways. Going up:
 *
 *     channel.send(encodeUp(seq++, nowMs, pose, {time: lastMs, pose: last}));
 *
 * Coming down: a PoseReceiver takes the datagrams and says where everybody is
 * in this frame. posecodec.js is the wire format, posebuffer.js the smoothing.
 * @module
 */
export * from './posecodec.js';
export { PoseBuffer, PoseReceiver } from './posebuffer.js';
