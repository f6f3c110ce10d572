/**
 * A place of one's own: made, gone to, and left with a link for others.
 * @module
 */
import { explain, explainPlace } from './explain.js';
import { isMade, linkTo, placeName } from './place-name.js';
import { el } from './ui.js';

/** @typedef {{instance: string, url?: string, invitation?: string}} Goal */

export class Places {
  /** Whether we are on the way. */ going = false;

  /**
   * @param {import('../earshot.js').Earshot} session
   * @param {import('../social.js').Social} social
   * @param {import('./ui.js').UI} ui
   * @param {{mayMake: boolean, travel: (to: Goal) => Promise<void>}} parts
   */
  constructor(session, social, ui, { mayMake, travel }) {
    this.session = session;
    this.social = social;
    this.ui = ui;
    this.mayMake = mayMake;
    this.travel = travel;
    this.dialog = /** @type {HTMLDialogElement} */ (el('place'));
    this.make = /** @type {HTMLButtonElement} */ (el('place-make'));
    el('place-new').onclick = () => { document.exitPointerLock?.(); this.dialog.showModal(); };
    el('place-no').onclick = () => this.dialog.close();
    el('place-form').onsubmit = (e) => { e.preventDefault(); void this.create(); };
    el('place-copy').onclick = () => this.copy();
    el('place-back').onclick = () => this.go({ instance: '' }, 'Going back');
  }

  /** Shows what one can do where one is. */
  show() {
    const inside = isMade(this.session.instance), invitation = this.session.nodes.asks.invitation;
    el('places').hidden = !inside && !this.mayMake;
    el('place-new').hidden = inside;
    el('place-here').hidden = !inside;
    el('place-copy').hidden = !invitation;
    el('place-name').textContent = inside ? `You are in ${placeName(this.session.instance)}.` : '';
  }

  async create() {
    const friends = /** @type {HTMLInputElement} */ (el('place-friends')).checked;
    this.make.disabled = true;
    try {
      const { instance, invitation } = await this.social.makePlace(this.session.world?.name ?? '', {
        kind: friends ? 'friends' : 'private', title: `${[...this.session.you?.name ?? ''].slice(0, 40).join('')}’s place`,
      });
      this.dialog.close();
      await this.go({ instance, invitation, url: this.session.nodes.url }, 'Going there');
    } catch (error) {
      el('place-problem').textContent = explain(error);
    } finally {
      this.make.disabled = false;
    }
  }

  /** @param {Goal} to @param {string} words */
  async go(to, words) {
    if (this.going) return;
    this.going = true;
    this.ui.banner(`${words} …`);
    try {
      await this.travel(to);
      history.replaceState(null, '', linkTo(location.href, to) + location.hash);
    } catch (error) {
      if (/** @type {any} */ (error)?.code !== 'canceled') this.ui.toast(explainPlace(error), 'bad'); // else they left
    } finally {
      this.going = false;
      this.ui.banner('');
      this.show();
    }
  }

  async copy() {
    const link = linkTo(location.href, { instance: this.session.instance, invitation: this.session.nodes.asks.invitation });
    try {
      await navigator.clipboard.writeText(link);
      this.ui.toast('The link is copied. Whoever opens it may come in.');
    } catch {
      prompt('Copy this link. Whoever opens it may come in.', link);
    }
  }

  close() { this.dialog.close(); }
}
