/**
 * Where a speech bubble goes on the screen, and how much of it is shown. Pure.
 * Pixels, y downwards.
 * @module
 */

/** x: middle of the head. top: upper end of the name label. face: middle of the head. radius: of the head with hat.
 * @typedef {{x: number, top: number, face: number, radius: number}} Anchor */
/** @typedef {{left: number, top: number, right: number, bottom: number}} Box */
/** tail: where along the side nearest to the head it points from, from the left or the top.
 * @typedef {{x: number, y: number, side: 'above' | 'right' | 'left' | 'below', tail: number}} Placed */

const GAP = 13;
/** A bubble keeps its side until it lacks this much, so that it does not jump to and fro. */
const PATIENCE = 16;
const TAIL_MARGIN = 22;

/**
 * Above the name where there is room, else beside the head, else below the face:
 * never over the name or the face.
 * @param {Anchor} at @param {number} w @param {number} h @param {Box} screen
 * @param {Placed['side']} [was] side it is on now
 * @returns {Placed}
 */
export function placeBubble(at, w, h, screen, was = 'above') {
  const patience = (/** @type {Placed['side']} */ side) => side === was ? PATIENCE : 0;
  const above = at.top - GAP - h, right = at.x + at.radius + GAP, left = at.x - at.radius - GAP - w;
  if (above + patience('above') >= screen.top) return column(at.x, above, 'above');
  if (right + w - patience('right') <= screen.right) return row(right, 'right');
  if (left + patience('left') >= screen.left) return row(left, 'left');
  return column(at.x, at.face + at.radius + GAP, 'below');

  /** @param {number} middle @param {number} wanted @param {'above' | 'below'} side @returns {Placed} */
  function column(middle, wanted, side) {
    const y = clamp(wanted, screen.top, screen.bottom - h), x = clamp(middle - w / 2, screen.left, screen.right - w);
    return { x, y, side, tail: clamp(middle - x, TAIL_MARGIN, w - TAIL_MARGIN) };
  }
  /** @param {number} wanted @param {'left' | 'right'} side @returns {Placed} */
  function row(wanted, side) {
    const x = clamp(wanted, screen.left, screen.right - w), y = clamp(at.face - h / 2, screen.top, screen.bottom - h);
    return { x, y, side, tail: clamp(at.face - y, TAIL_MARGIN, Math.max(h - TAIL_MARGIN, TAIL_MARGIN)) };
  }
}

/**
 * Moves a bubble up, or where there is no room down, so that it covers none of
 * those placed before it.
 * @param {Box} box @param {Box[]} taken @param {Box} screen @returns {number} by so much, y
 */
export function apart(box, taken, screen) {
  const height = box.bottom - box.top;
  const free = (/** @type {number} */ top) => !taken.some((t) => t.left < box.right && t.right > box.left && t.top - GAP / 2 < top + height && t.bottom + GAP / 2 > top);
  const tops = [box.top, ...taken.map((t) => t.top - GAP / 2 - height), ...taken.map((t) => t.bottom + GAP / 2)];
  const top = tops.find((y) => y >= screen.top && y + height <= screen.bottom && free(y));
  return (top ?? box.top) - box.top;
}

/** Letters a second at which text appears, at least. */
const PACE = 42;

/**
 * How much of a text is shown after another while: at reading pace, faster when
 * it lags behind the voice.
 * @param {number} shown letters @param {number} length of all of it @param {number} dt seconds @returns {number} letters, a fraction
 */
export function reveal(shown, length, dt) {
  return Math.min(length, shown + Math.max(PACE, (length - shown) * 1.8) * dt);
}

/** The text up to the end of the word that is begun: words do not move to the next line while they grow.
 * @param {string} text @param {number} letters @returns {string} */
export function wholeWords(text, letters) {
  if (letters >= text.length) return text;
  const rest = text.slice(Math.floor(letters)).search(/\s/);
  return rest < 0 ? text : text.slice(0, Math.floor(letters) + rest);
}

/** How long a text stays when all of it has been said, ms. @param {number} length @returns {number} */
export function readingTime(length) {
  return clamp(1800 + length * 48, 2600, 9000);
}

/** Letters are larger near by, within what one reads with ease: half pixels, so that they do not shimmer.
 * @param {number} distance metres @returns {number} px */
export function letterSize(distance) {
  return Math.round(clamp(17.5 - (distance - 1.5) * 0.42, 13.5, 17.5) * 2) / 2;
}

/** @param {number} v @param {number} low @param {number} high */
function clamp(v, low, high) {
  return Math.max(low, Math.min(v, high));
}
