/**
 * What a moderator chose for their own wellbeing, kept on this machine: greys
 * instead of colours, and whether severe texts are covered.
 * @module
 */
const KEY = 'earshot.console';

export class Prefs {
  grey = false;
  uncovered = false;

  constructor() {
    try { Object.assign(this, JSON.parse(localStorage.getItem(KEY) ?? '{}')); } catch { /* as if nothing was chosen */ }
    this.show();
  }

  /** @param {'grey'|'uncovered'} name @param {boolean} on */
  set(name, on) {
    this[name] = on;
    try { localStorage.setItem(KEY, JSON.stringify({ grey: this.grey, uncovered: this.uncovered })); } catch { /* until the page is closed, then */ }
    this.show();
  }

  show() { document.documentElement.classList.toggle('grey', this.grey); }
}
