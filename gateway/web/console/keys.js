/**
 * One key for each thing a moderator does often. Pure.
 * @module
 */

/** @typedef {'down'|'up'|'right'|'wrong'|'too_harsh'|'too_mild'|'show'|'play'|'person'|'undo'|'help'|'tab1'|'tab2'|'tab3'|'tab4'} Command */

/** What each key does, in the order in which it is shown. @type {{keys: string[], cap: string, command: Command, what: string}[]} */
export const KEYS = [
  { keys: ['j'], cap: 'J', command: 'right', what: 'Right: the decision stands' },
  { keys: ['k'], cap: 'K', command: 'wrong', what: 'Wrong: undo what was done' },
  { keys: ['l'], cap: 'L', command: 'too_harsh', what: 'Too harsh: choose something milder' },
  { keys: ['h'], cap: 'H', command: 'too_mild', what: 'Too mild: choose something harsher' },
  { keys: ['u', 'z'], cap: 'U', command: 'undo', what: 'Take back your own last act' },
  { keys: ['arrowdown', 'n'], cap: '↓', command: 'down', what: 'Next incident' },
  { keys: ['arrowup', 'p'], cap: '↑', command: 'up', what: 'Incident before' },
  { keys: ['t'], cap: 'T', command: 'show', what: 'Show the covered text, or cover it again' },
  { keys: [' '], cap: 'Space', command: 'play', what: 'Play the evidence, or stop it' },
  { keys: ['a'], cap: 'A', command: 'person', what: 'Act on this person by hand' },
  { keys: ['1'], cap: '1', command: 'tab1', what: 'Queue' },
  { keys: ['2'], cap: '2', command: 'tab2', what: 'Appeals' },
  { keys: ['3'], cap: '3', command: 'tab3', what: 'Figures' },
  { keys: ['4'], cap: '4', command: 'tab4', what: 'Policy' },
  { keys: ['?'], cap: '?', command: 'help', what: 'These keys' },
];

const BY_KEY = new Map(KEYS.flatMap(({ keys, command }) => keys.map((key) => /** @type {const} */ ([key, command]))));

/**
 * @param {{key: string, ctrlKey: boolean, metaKey: boolean, altKey: boolean, repeat?: boolean}} e
 * @param {boolean} typing into a field, where keys are letters
 * @returns {Command | null}
 */
export function commandOf(e, typing) {
  if (typing || e.ctrlKey || e.metaKey || e.altKey) return null;
  const command = BY_KEY.get(e.key.toLowerCase()) ?? null;
  return e.repeat && command !== 'down' && command !== 'up' ? null : command;
}
