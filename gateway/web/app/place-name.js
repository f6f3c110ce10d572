/**
 * What people call an instance.
 * @module
 */

const MADE = /_(friends|private|group|event|dev)-[a-z2-7]{16}$/;
/** @type {Record<string, string>} */
const WORDS = { friends: 'a place for friends', private: 'a private place', group: 'a place of their group', event: 'an event', dev: 'a place for testing' };

/** Whether somebody made it, so that not everybody may enter. @param {string} instance */
export function isMade(instance) { return MADE.test(instance); }

/** @param {string} instance @returns {string} such as "plaza 2", "a private place" */
export function placeName(instance) {
  const made = MADE.exec(instance);
  return made ? WORDS[made[1]] : instance.replace(/^in_/, '').replaceAll('_', ' ');
}

/**
 * The address that leads a guest to an instance: without what is ours in this one.
 * @param {string} here the page's address
 * @param {{instance: string, invitation?: string}} to
 */
export function linkTo(here, { instance, invitation = '' }) {
  const link = new URL(here), world = link.searchParams.get('world');
  link.hash = link.search = '';
  if (world) link.searchParams.set('world', world);
  if (instance) link.searchParams.set('instance', instance);
  if (invitation) link.searchParams.set('invitation', invitation);
  return link.href;
}
