/**
 * The mark that what happens here is being recorded: in the bar for as long as
 * it lasts, and in words when it begins and ends.
 * @module
 */
import { explainRecording } from './recorded.js';
import { el } from './ui.js';

export class RecordingMark {
  /** @param {import('../earshot.js').Earshot} session @param {import('./chat.js').ChatPanel} chat */
  constructor(session, chat) {
    this.session = session;
    this.chat = chat;
    this.told = '';
  }

  /** Shows how it is now; says it when it changed. */
  show() {
    const { recording: r } = this.session, text = r ? explainRecording(r, this.session.you?.id ?? '') : '';
    el('world-recording').hidden = !r;
    el('world-recording').title = text;
    if (text !== this.told) this.chat.note(text || 'The recording has ended.');
    this.told = text;
  }
}
