/**
 * Friends and places of one's own, by HTTP (docs/presence-api.md, docs/instances.md).
 *
 *     const social = new Social({ url: () => session.nodes.url, token: () => session.token });
 *     const { instance, invitation } = await social.makePlace('plaza', { kind: 'friends', title: 'Birthday' });
 *
 * All reject with an EarshotError.
 * @module
 */
import { ask } from './http.js';

/**
 * @typedef {object} Friend
 * @property {string} participant
 * @property {boolean} mutual whether they have us as a friend, too; nobody else is told of
 * @property {boolean} online
 * @property {string} [name] this and what follows: where they are online, and may be told of
 * @property {string} [world]
 * @property {string} [instance]
 * @property {string} [url] origin of the node to join at
 * @property {string} [since] RFC 3339
 *
 * @typedef {{instance: string, kind: string, title?: string, participants: number, capacity: number, url?: string,
 *   yours?: boolean, invitation?: string}} Place
 */

export class Social {
  /** @param {{url: () => string, token: () => string}} session url of the server and token are asked at each request */
  constructor(session) { this.session = session; }

  /** Whom we have as friends, those who are somewhere first. @returns {Promise<Friend[]>} */
  async friends() { return (await this.#ask('GET', 'v1/presence/friends')).friends; }

  /** Has somebody as a friend. The other is not told. @param {string} participant */
  async befriend(participant) { await this.#ask('PUT', `v1/presence/friends/${encodeURIComponent(participant)}`); }

  /** @param {string} participant */
  async unfriend(participant) { await this.#ask('DELETE', `v1/presence/friends/${encodeURIComponent(participant)}`); }

  /**
   * Makes an instance that is not for everybody. Needs the grant host.
   * @param {string} world
   * @param {{kind: 'friends'|'private', title?: string}} what
   * @returns {Promise<Place>} with the invitation, which is told this once
   */
  makePlace(world, what) { return this.#ask('POST', `v1/worlds/${encodeURIComponent(world)}/instances`, what); }

  /** @param {string} method @param {string} path @param {object} [body] @returns {Promise<any>} */
  #ask(method, path, body) { return ask(this.session.url(), this.session.token(), method, path, body); }
}
