/**
 * Which part of a plan is seen, and how large. A view says where the plan's top left corner is in its frame, in pixels of
 * the screen, and how many of those a pixel of the plan takes.
 */

/** A width and a height in pixels. */
export interface Size {
  width: number;
  height: number;
}

/** A point in pixels, or on a plan in fractions of its width and height. */
export interface Point {
  x: number;
  y: number;
}

/** What is seen. */
export interface View extends Point {
  scale: number;
}

/** So many pixels are left around a plan that is seen as a whole. */
const MARGIN = 12;
/** So many pixels of a plan stay in sight. */
const IN_SIGHT = 48;
/** How much closer than the whole plan one can look. */
const CLOSEST = 24;

const within = (value: number, least: number, most: number) => Math.min(Math.max(value, least), Math.max(least, most));

/** The whole plan in the middle of its frame. */
export function fit(plan: Size, frame: Size): View {
  const room = (side: number) => Math.max(side - 2 * MARGIN, 1);
  const scale = Math.min(room(frame.width) / plan.width, room(frame.height) / plan.height);
  return { x: (frame.width - plan.width * scale) / 2, y: (frame.height - plan.height * scale) / 2, scale };
}

/** The same view with some of the plan still in its frame, and neither too close nor too far away. */
export function clamped(view: View, plan: Size, frame: Size): View {
  const whole = fit(plan, frame).scale;
  const scale = within(view.scale, whole / 2, whole * CLOSEST);
  return {
    x: within(view.x, IN_SIGHT - plan.width * scale, frame.width - IN_SIGHT),
    y: within(view.y, IN_SIGHT - plan.height * scale, frame.height - IN_SIGHT),
    scale,
  };
}

/** So many times closer, with what is at this point of the frame staying there. */
export function zoomed(view: View, factor: number, at: Point, plan: Size, frame: Size): View {
  // What was at the point stays there only with the scale that there will be.
  const { scale } = clamped({ ...view, scale: view.scale * factor }, plan, frame);
  const grown = scale / view.scale;
  return clamped({ x: at.x - (at.x - view.x) * grown, y: at.y - (at.y - view.y) * grown, scale }, plan, frame);
}

/** After two fingers moved: what was under each stays under it. */
export function pinched(view: View, before: readonly [Point, Point], after: readonly [Point, Point], plan: Size, frame: Size): View {
  const apart = ([one, other]: readonly [Point, Point]) => Math.max(Math.hypot(one.x - other.x, one.y - other.y), 1);
  const middle = ([one, other]: readonly [Point, Point]) => ({ x: (one.x + other.x) / 2, y: (one.y + other.y) / 2 });
  const [from, to] = [middle(before), middle(after)];
  const moved = { ...view, x: view.x + to.x - from.x, y: view.y + to.y - from.y };
  return zoomed(moved, apart(after) / apart(before), to, plan, frame);
}

/** The point of a plan, in fractions, that is at a point of the frame; the nearest one of the plan. */
export function fractionAt(view: View, at: Point, plan: Size): Point {
  return {
    x: within((at.x - view.x) / (plan.width * view.scale), 0, 1),
    y: within((at.y - view.y) / (plan.height * view.scale), 0, 1),
  };
}

/** Moved as little as is needed for a point of the plan, in fractions, to be in the frame; never while the whole plan is seen. */
export function revealing(view: View, point: Point, plan: Size, frame: Size): View {
  const moved = (start: number, at: number, side: number) => {
    const edge = Math.min(MARGIN, side / 4);
    return start + within(at, edge, side - edge) - at;
  };
  return {
    x: moved(view.x, view.x + point.x * plan.width * view.scale, frame.width),
    y: moved(view.y, view.y + point.y * plan.height * view.scale, frame.height),
    scale: view.scale,
  };
}

/** A point that is moved by so much, still on the plan; rounded to what one can see. */
export function stepped({ x, y }: Point, right: number, down: number): Point {
  const rounded = (value: number) => Math.round(within(value, 0, 1) * 10_000) / 10_000;
  return { x: rounded(x + right), y: rounded(y + down) };
}
