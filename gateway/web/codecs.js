/**
 * How video is encoded: which codec, in which layers, and what of it is left
 * out when nobody looks. Knows nothing of connections; media.js does.
 *
 * A camera in VP8 or H.264 is sent as three pictures at once (simulcast), in
 * VP9 or AV1 as one that has three sizes in it (spatial layers, of which only
 * key frames need one another: a viewer gets one size and no more). All in
 * three frame rates. A screen has one size, in which it can be read.
 * @module
 */

/** @typedef {'vp8'|'h264'|'vp9'|'av1'} VideoCodec */
/** @typedef {RTCRtpEncodingParameters & {scalabilityMode?: string}} Encoding */

/** All that the server forwards, those first that every browser has (RFC 7742). @type {VideoCodec[]} */
const CODECS = ['vp8', 'h264', 'vp9', 'av1'];
/** The one form of each that the server takes. @type {Record<VideoCodec, RegExp>} */
const FORMS = {
  vp8: /(?:)/,
  h264: /packetization-mode=1.*profile-level-id=42e0|profile-level-id=42e0.*packetization-mode=1/i,
  vp9: /^(?!.*profile-id=[^0])/,
  av1: /^(?!.*(^|;)\s*profile=[^0])/,
};
/** The dependency descriptor: without it the server sees no layers in AV1. */
const DESCRIPTOR = 'https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension';
/** A machine with fewer cores has no time for VP9. */
const CORES = 4;
/** Ceilings of a camera in one, two and three sizes, in bit/s. */
const CEILINGS = [120_000, 450_000, 1_500_000];
/** Ceiling of what is sent of a screen, in bit/s. */
const SCREEN_BITRATE = 2_000_000;
/** Of a screen that is read, in frames a second: what is scarce goes into the picture. */
const READING_RATE = 15;

/**
 * @param {VideoCodec|'auto'} wanted auto: VP9 where there is the time for it, else VP8
 * @returns {VideoCodec}
 */
export function chooseCodec(wanted) {
  if (wanted !== 'auto') return wanted;
  const sends = formsOf(RTCRtpSender.getCapabilities('video'), ['vp9']);
  return sends.length && (globalThis.navigator?.hardwareConcurrency ?? 0) >= CORES ? 'vp9' : 'vp8';
}

/**
 * What a camera sends, the lowest first; the server chooses for each viewer
 * and says which of it anybody wants.
 * @param {VideoCodec} codec
 * @returns {Encoding[]}
 */
export function cameraEncodings(codec) {
  if (codec === 'vp9' || codec === 'av1') return [{ scalabilityMode: 'L3T3_KEY', maxBitrate: CEILINGS[2] }];
  const layers = [
    { rid: 'l', scaleResolutionDownBy: 4, maxBitrate: 120_000 },
    { rid: 'm', scaleResolutionDownBy: 2, maxBitrate: 400_000 },
    { rid: 'h', scaleResolutionDownBy: 1, maxBitrate: 1_500_000 },
  ];
  return codec === 'vp8' ? layers.map((l) => ({ ...l, scalabilityMode: 'L1T3' })) : layers;
}

/**
 * @param {VideoCodec} codec
 * @returns {Encoding[]}
 */
export function screenEncodings(codec) {
  return [{ maxBitrate: SCREEN_BITRATE, ...codec !== 'h264' && { scalabilityMode: 'L1T3' } }];
}

/**
 * A screen is to be read: its size stays, its frame rate gives way. One that
 * the page marks as moving is sent as a film.
 * @param {RTCRtpSendParameters} parameters
 * @param {string} hint its contentHint
 */
export function tuneScreen(parameters, hint) {
  const moves = hint === 'motion';
  Object.assign(parameters, { degradationPreference: moves ? 'maintain-framerate' : 'maintain-resolution' });
  for (const encoding of parameters.encodings) {
    encoding.maxBitrate = SCREEN_BITRATE;
    if (moves) delete encoding.maxFramerate;
    else encoding.maxFramerate = READING_RATE;
  }
}

/**
 * Sends what is wanted of an encoding, and no more.
 * @param {Encoding} encoding
 * @param {{rids: string[], spatial?: number, of?: number}} wanted simulcast layers by name, or so many of the spatial ones
 */
export function keepWanted(encoding, { rids, spatial = 0, of = 0 }) {
  if (encoding.rid) {
    encoding.active = rids.includes(encoding.rid);
    return;
  }
  encoding.active = spatial > 0;
  const layers = Math.max(1, 3 - (of - spatial));
  if (!encoding.active || of < 2) return;
  encoding.scalabilityMode = layers > 1 ? `L${layers}T3_KEY` : 'L1T3';
  encoding.scaleResolutionDownBy = 2 ** (3 - layers);
  encoding.maxBitrate = CEILINGS[layers - 1];
}

/**
 * Leaves to a line what the server forwards: to one that sends its codec, to
 * one that receives all. What else browsers offer would double the size of the
 * offer.
 * @param {RTCRtpTransceiver} transceiver
 * @param {VideoCodec} codec
 * @param {boolean} [only] whether it receives that codec alone too: the one that is encrypted
 */
export function trimVideo(transceiver, codec, only = false) {
  const sends = transceiver.direction === 'sendonly';
  const capabilities = sends ? RTCRtpSender.getCapabilities('video') : RTCRtpReceiver.getCapabilities('video');
  const wanted = sends || only ? [codec] : [codec, ...CODECS.filter((c) => c !== codec)];
  const forms = formsOf(capabilities, wanted);
  if (!forms.length) return;
  const repair = (capabilities?.codecs ?? []).filter((c) => c.mimeType.toLowerCase() === 'video/rtx');
  transceiver.setCodecPreferences?.([...forms, ...repair]);
  if (!sends || codec === 'av1') offerExtension(transceiver, DESCRIPTOR);
}

/**
 * The first form of each codec that the server takes, in the order wanted.
 * @param {RTCRtpCapabilities|null} capabilities
 * @param {VideoCodec[]} wanted
 */
function formsOf(capabilities, wanted) {
  const all = capabilities?.codecs ?? [];
  return wanted.flatMap((name) => all.find((c) => c.mimeType.toLowerCase() === `video/${name}` && FORMS[name].test(c.sdpFmtpLine ?? '')) ?? []);
}

/**
 * Asks for a header extension on a line, where the browser lets one choose;
 * the others offer it anyway, or never.
 * @param {any} transceiver
 * @param {string} uri
 */
export function offerExtension(transceiver, uri) {
  const extensions = transceiver.getHeaderExtensionsToNegotiate?.();
  const wanted = extensions?.find((/** @type {any} */ e) => e.uri === uri);
  if (!wanted || wanted.direction === 'sendrecv') return;
  wanted.direction = 'sendrecv';
  transceiver.setHeaderExtensionsToNegotiate(extensions);
}
