/**
 * The fields of a persona as the form shows them: docs/personas.md as data.
 * What is right the server decides (npc/persona); the limits here only help
 * to type.
 * @module
 */

/**
 * @typedef {object} Field
 * @property {string} key
 * @property {string} label
 * @property {'line'|'text'|'number'|'choice'|'switch'|'tags'|'lines'|'pairs'|'list'|'group'} kind
 *   tags: short words; lines: whole sentences; pairs: names with values; list: items with fields
 * @property {string} [hint]
 * @property {string} [placeholder]
 * @property {[string, string][]} [options] value and label
 * @property {number} [min]
 * @property {number} [max]
 * @property {number} [step]
 * @property {string} [unit]
 * @property {number} [rows]
 * @property {boolean} [half] two fit beside each other
 * @property {boolean} [integers] of the values of pairs
 * @property {'models'} [suggest]
 * @property {Field[]} [fields] of an item or group
 * @property {string} [item] what an item is called
 * @property {import('./yamlwrite.js').Value} [fresh] a new item
 * @property {string} [title] of an item: the field that names it
 * @property {string} [add] label of the button that adds one
 * @typedef {{id: string, title: string, hint?: string, fields: Field[]}} Section
 */

/** @type {Field[]} */
const WHAT_MUST_HOLD = [
  { key: 'variable', label: 'Variable', kind: 'line', half: true, hint: 'Compared by one of the three below.' },
  { key: 'equals', label: 'is exactly', kind: 'line', half: true },
  { key: 'at_least', label: 'is at least', kind: 'number', half: true },
  { key: 'at_most', label: 'is at most', kind: 'number', half: true },
  { key: 'within', label: 'Player within', kind: 'number', unit: 'm', half: true, min: 0 },
  { key: 'item', label: 'Has this item', kind: 'line', half: true },
  { key: 'item_from', label: 'Has the item named by parameter', kind: 'line', half: true },
  { key: 'count', label: 'that many', kind: 'number', half: true, min: 0, step: 1 },
  { key: 'count_from', label: 'as many as parameter', kind: 'line', half: true },
];

/** @type {Field[]} */
const WHAT_CHANGES = [
  { key: 'variable', label: 'Variable', kind: 'line', half: true },
  { key: 'set', label: 'becomes', kind: 'line', half: true },
  { key: 'add', label: 'grows by', kind: 'number', half: true },
  { key: 'take', label: 'Takes this item', kind: 'line', half: true },
  { key: 'take_from', label: 'Takes the item named by parameter', kind: 'line', half: true },
  { key: 'count', label: 'that many', kind: 'number', half: true, min: 0, step: 1 },
  { key: 'count_from', label: 'as many as parameter', kind: 'line', half: true },
];

/** @type {Field[]} */
const PARAMETER = [
  { key: 'name', label: 'Name', kind: 'line', half: true, placeholder: 'item' },
  { key: 'type', label: 'Type', kind: 'choice', half: true, options: [['string', 'text'], ['integer', 'whole number'], ['number', 'number'], ['boolean', 'yes or no']] },
  { key: 'description', label: 'Description', kind: 'line' },
  { key: 'enum', label: 'Only these values', kind: 'tags' },
  { key: 'minimum', label: 'Minimum', kind: 'number', half: true },
  { key: 'maximum', label: 'Maximum', kind: 'number', half: true },
  { key: 'max_length', label: 'Longest text', kind: 'number', half: true, unit: 'characters', placeholder: '256', min: 1, max: 1024, step: 1 },
  { key: 'required', label: 'Must be given', kind: 'switch', half: true },
];

/** @type {Section[]} */
export const SECTIONS = [
  {
    id: 'character', title: 'Character',
    fields: [
      { key: 'name', label: 'Name', kind: 'line', half: true },
      { key: 'nickname', label: 'Nickname', kind: 'line', half: true, hint: 'What {{char}} becomes; the name without one.' },
      { key: 'description', label: 'Description', kind: 'text', rows: 4, hint: 'Who they are, what they look like, what they know.' },
      { key: 'personality', label: 'Personality', kind: 'text', rows: 2 },
      { key: 'scenario', label: 'Scenario', kind: 'text', rows: 2, hint: 'Where and when.' },
    ],
  },
  {
    id: 'speech', title: 'What they say', hint: 'Scripted lines are said without a model: when none answers in time, when too many ask, when moderation withholds an answer.',
    fields: [
      { key: 'greeting', label: 'Greeting', kind: 'text', rows: 2, hint: 'Said to who comes near.' },
      { key: 'alternate_greetings', label: 'Other greetings', kind: 'lines', add: 'Add a greeting' },
      {
        key: 'lines', label: 'Scripted lines', kind: 'group', fields: [
          { key: 'fallback', label: 'No answer in time', kind: 'lines', add: 'Add a line' },
          { key: 'busy', label: 'Too many ask', kind: 'lines', add: 'Add a line' },
          { key: 'refused', label: 'Answer withheld', kind: 'lines', add: 'Add a line' },
          { key: 'farewell', label: 'Somebody leaves', kind: 'lines', add: 'Add a line' },
        ],
      },
      { key: 'examples', label: 'Examples', kind: 'text', rows: 4, hint: 'Dialogues that show the manner, each after a line <START>. The first to go when the context is short.' },
    ],
  },
  {
    id: 'voice', title: 'Voice and senses',
    fields: [
      {
        key: 'voice', label: 'Voice', kind: 'group', fields: [
          { key: 'name', label: 'Voice', kind: 'line', half: true, hint: 'As the speech backend calls it.' },
          { key: 'language', label: 'Speaks', kind: 'line', half: true, placeholder: 'en-GB' },
          { key: 'speed', label: 'Speed', kind: 'number', half: true, min: 0.25, max: 4, step: 0.05, placeholder: '1' },
          { key: 'model', label: 'Speech model', kind: 'line', half: true, placeholder: "the backend's" },
        ],
      },
      { key: 'languages', label: 'Languages', kind: 'tags', hint: 'Tags like en or pt-BR, the preferred one first.' },
      { key: 'perception_range', label: 'Perceives up to', kind: 'number', half: true, unit: 'm', min: 0, max: 1000, step: 0.5, placeholder: '10' },
      { key: 'safety', label: 'Safety', kind: 'choice', half: true, options: [['', "the world's policy"], ['strict', 'strict: children may be present'], ['standard', 'standard'], ['mature', 'mature: adults only']] },
    ],
  },
  {
    id: 'model', title: 'Model and prompt',
    fields: [
      {
        key: 'model', label: 'Model', kind: 'group', fields: [
          { key: 'preferred', label: 'Preferred models', kind: 'tags', suggest: 'models', hint: 'Best first. The router decides; none means any.' },
          { key: 'temperature', label: 'Temperature', kind: 'number', half: true, min: 0, max: 2, step: 0.05, placeholder: "the backend's" },
          { key: 'top_p', label: 'Top p', kind: 'number', half: true, min: 0, max: 1, step: 0.05, placeholder: "the backend's" },
          { key: 'max_output', label: 'Longest answer', kind: 'number', half: true, unit: 'tokens', min: 1, step: 10, placeholder: '160' },
          { key: 'context', label: 'Context', kind: 'number', half: true, unit: 'tokens', min: 256, step: 256, placeholder: '4096' },
        ],
      },
      { key: 'system_prompt', label: 'System prompt', kind: 'text', rows: 3, hint: 'Replaces the standard one, which is {{original}} in it.' },
      { key: 'reminder', label: 'Reminder', kind: 'text', rows: 2, hint: 'Told to the model just before it answers.' },
    ],
  },
  {
    id: 'goals', title: 'Goals',
    fields: [{
      key: 'goals', label: 'Goals', kind: 'list', item: 'Goal', title: 'id', add: 'Add a goal',
      fresh: { id: 'new-goal', activation: { on: 'approach' }, instruction: 'Say what the character should try to do.' },
      fields: [
        { key: 'id', label: 'Id', kind: 'line', half: true },
        { key: 'repeatable', label: 'Again and again', kind: 'switch', half: true, hint: 'Otherwise once per player.' },
        {
          key: 'activation', label: 'Begins', kind: 'group', fields: [
            { key: 'on', label: 'Begins when', kind: 'choice', half: true, options: [['approach', 'somebody comes near'], ['says', 'somebody says …'], ['event', 'the game reports …']] },
            { key: 'event', label: 'Event', kind: 'line', half: true, hint: 'For what the game reports.' },
            { key: 'phrases', label: 'Phrases', kind: 'tags', hint: 'For what somebody says: any of these.' },
            { key: 'when', label: 'Only when these variables are so', kind: 'pairs', add: 'Add a condition' },
          ],
        },
        { key: 'instruction', label: 'Instruction', kind: 'text', rows: 2, hint: 'Told to the model while the goal is active.' },
      ],
    }],
  },
  {
    id: 'actions', title: 'Actions', hint: 'The model may propose these and nothing else; the world decides by the rules.',
    fields: [{
      key: 'actions', label: 'Actions', kind: 'list', item: 'Action', title: 'name', add: 'Add an action',
      fresh: { name: 'new_action', description: 'Say what it does: the model decides by this.' },
      fields: [
        { key: 'name', label: 'Name', kind: 'line', half: true },
        { key: 'kind', label: 'Shown as', kind: 'choice', half: true, options: [['', 'something the game knows'], ['emote', 'a gesture'], ['look', 'a look at the player'], ['move', 'a walk'], ['give', 'giving something'], ['open', 'opening something'], ['custom', 'custom']] },
        { key: 'description', label: 'Description', kind: 'text', rows: 2 },
        { key: 'parameters', label: 'Parameters', kind: 'list', item: 'Parameter', title: 'name', add: 'Add a parameter', fresh: { name: 'what', type: 'string' }, fields: PARAMETER },
        { key: 'requires', label: 'Happens only if', kind: 'list', item: 'Condition', title: '', add: 'Add a condition', fresh: { within: 3 }, fields: WHAT_MUST_HOLD },
        { key: 'effects', label: 'Changes', kind: 'list', item: 'Change', title: '', add: 'Add a change', fresh: { variable: 'name', set: 'value' }, fields: WHAT_CHANGES },
        {
          key: 'cooldown', label: 'Rests afterwards', kind: 'group', fields: [
            { key: 'player', label: 'Rests for the same player', kind: 'number', half: true, unit: 's', min: 0 },
            { key: 'all', label: 'Rests for everybody', kind: 'number', half: true, unit: 's', min: 0 },
          ],
        },
      ],
    }],
  },
  {
    id: 'lore', title: 'Lorebook', hint: 'An entry goes into the prompt when one of its keys was said.',
    fields: [{
      key: 'lorebook', label: 'Lorebook', kind: 'group', fields: [
        { key: 'scan_depth', label: 'Searched messages', kind: 'number', half: true, min: 0, max: 64, step: 1, placeholder: '4' },
        { key: 'token_budget', label: 'Budget', kind: 'number', half: true, unit: 'tokens', min: 0, step: 32, placeholder: '512' },
        { key: 'recursive', label: 'Entries bring in others', kind: 'switch' },
        {
          key: 'entries', label: 'Entries', kind: 'list', item: 'Entry', title: 'name', add: 'Add an entry',
          fresh: { name: 'New entry', keys: ['key'], content: 'What is to be known.' },
          fields: [
            { key: 'name', label: 'Name', kind: 'line', hint: 'For designers only.' },
            { key: 'keys', label: 'Keys', kind: 'tags' },
            { key: 'secondary_keys', label: 'and one of these', kind: 'tags' },
            { key: 'content', label: 'Content', kind: 'text', rows: 2 },
            { key: 'constant', label: 'Always there', kind: 'switch', half: true },
            { key: 'disabled', label: 'Switched off', kind: 'switch', half: true },
            { key: 'regex', label: 'Keys are RE2 expressions', kind: 'switch', half: true },
            { key: 'case_sensitive', label: 'Case counts', kind: 'switch', half: true },
            { key: 'order', label: 'Order', kind: 'number', half: true, step: 1, hint: 'Lower comes first.' },
            { key: 'priority', label: 'Priority', kind: 'number', half: true, step: 1, hint: 'Over budget, lower goes first.' },
          ],
        },
      ],
    }],
  },
  {
    id: 'variables', title: 'Variables', hint: 'For {{var:name}} in any text; what the game reports goes over them.',
    fields: [
      { key: 'variables', label: 'Variables', kind: 'pairs', add: 'Add a variable' },
      { key: 'stock', label: 'Stock', kind: 'pairs', integers: true, hint: 'Items the character has to give, for the rules of actions.', add: 'Add an item' },
    ],
  },
];

const TOP = ['version', ...SECTIONS.flatMap((s) => s.fields.map((f) => f.key))];
/** The order of mara.yaml, which designers start from. */
const ROOT_ORDER = [
  'version', 'name', 'nickname', 'description', 'personality', 'scenario', 'examples', 'system_prompt', 'reminder', 'greeting', 'alternate_greetings',
  'lines', 'goals', 'actions', 'stock', 'voice', 'languages', 'perception_range', 'safety', 'variables', 'worlds', 'model', 'lorebook', 'card',
];

/** Fields at the top that the form does not show. */
export const TEXT_ONLY = ['worlds', 'card'];

/** @param {string} key at the top */
export function isKnown(key) { return TOP.includes(key) || TEXT_ONLY.includes(key); }

/**
 * The usual order of the fields at a path.
 * @type {import('./yamledit.js').Order}
 */
export function order(path) {
  if (!path.length) return ROOT_ORDER;
  /** @type {Field|undefined} */
  let field;
  for (const step of path) {
    if (typeof step === 'number') continue;
    const among = field ? field.fields ?? [] : SECTIONS.flatMap((s) => s.fields);
    field = among.find((f) => f.key === step);
    if (!field) return [];
  }
  return field?.fields?.map((f) => f.key) ?? [];
}

/**
 * A field's path as the server names it: goals[1].instruction.
 * @param {readonly (string|number)[]} path
 */
export function fieldName(path) {
  return path.map((step, i) => (typeof step === 'number' ? `[${step}]` : i ? `.${step}` : step)).join('');
}
