/**
 * The newest points of one series, in ascending order of time, in two typed arrays.
 *
 * Invariants: times are strictly ascending; a point with a time that is already held replaces its value (the newest write
 * wins, as in the store); never more than `capacity` points, the oldest leave first.
 *
 * The arrays are up to twice as long as the capacity, so that the points always lie in one piece: `times()` and `values()`
 * are views, valid until the next change, and appending costs amortised constant time.
 */
export class TimeRing {
  readonly capacity: number;
  #time: Float64Array;
  #value: Float64Array;
  #start = 0;
  #end = 0;

  constructor(capacity: number) {
    if (!Number.isInteger(capacity) || capacity < 1)
      throw new RangeError(`capacity must be at least 1, not ${capacity}`);
    this.capacity = capacity;
    const initial = Math.min(capacity * 2, 64);
    this.#time = new Float64Array(initial);
    this.#value = new Float64Array(initial);
  }

  get length(): number {
    return this.#end - this.#start;
  }

  /** Milliseconds since the epoch, ascending; a view that the next change may overwrite. */
  times(): Float64Array {
    return this.#time.subarray(this.#start, this.#end);
  }

  /** Values beside `times()`; NaN where there was a point without a number. */
  values(): Float64Array {
    return this.#value.subarray(this.#start, this.#end);
  }

  get lastTime(): number {
    return this.length === 0 ? NaN : (this.#time[this.#end - 1] as number);
  }

  get lastValue(): number {
    return this.length === 0 ? NaN : (this.#value[this.#end - 1] as number);
  }

  /** Adds or replaces one point; a point older than everything in a full ring is left out. */
  push(time: number, value: number): void {
    if (this.length === 0 || time > this.lastTime) {
      this.#reserve();
      this.#time[this.#end] = time;
      this.#value[this.#end] = value;
      this.#end += 1;
      if (this.length > this.capacity) this.#start += 1;
      return;
    }
    const at = this.#start + lowerBound(this.times(), time);
    if (this.#time[at] === time) {
      this.#value[at] = value;
      return;
    }
    if (this.length >= this.capacity) {
      if (at === this.#start) return;
      // The oldest leaves; everything before the place of the new point moves down by one.
      this.#time.copyWithin(this.#start, this.#start + 1, at);
      this.#value.copyWithin(this.#start, this.#start + 1, at);
      this.#time[at - 1] = time;
      this.#value[at - 1] = value;
      return;
    }
    const offset = at - this.#start;
    this.#reserve();
    const place = this.#start + offset;
    this.#time.copyWithin(place + 1, place, this.#end);
    this.#value.copyWithin(place + 1, place, this.#end);
    this.#time[place] = time;
    this.#value[place] = value;
    this.#end += 1;
  }

  /** Merges history in; where both hold a time, the point that is already here wins, because it came later. */
  merge(times: ArrayLike<number>, values: ArrayLike<number>): void {
    const length = Math.min(times.length, values.length);
    if (length === 0) return;
    const oldTimes = this.times().slice();
    const oldValues = this.values().slice();
    const order = ascendingOrder(times, length);
    this.#start = 0;
    this.#end = 0;
    let old = 0;
    for (let i = 0; i < length; i += 1) {
      const from = order === null ? i : (order[i] as number);
      const time = times[from] as number;
      if (Number.isNaN(time)) continue;
      while (old < oldTimes.length && (oldTimes[old] as number) < time) {
        this.push(oldTimes[old] as number, oldValues[old] as number);
        old += 1;
      }
      this.push(time, values[from] as number);
    }
    for (; old < oldTimes.length; old += 1) this.push(oldTimes[old] as number, oldValues[old] as number);
  }

  /** Forgets the points before a time. */
  dropBefore(time: number): void {
    this.#start += lowerBound(this.times(), time);
  }

  clear(): void {
    this.#start = 0;
    this.#end = 0;
  }

  /** Makes room for one more point at the end: grows up to twice the capacity, then moves the points to the front. */
  #reserve(): void {
    if (this.#end < this.#time.length) return;
    const kept = Math.min(this.length, this.capacity);
    const from = this.#end - kept;
    if (this.#time.length < this.capacity * 2) {
      const grown = Math.min(this.capacity * 2, this.#time.length * 2);
      const time = new Float64Array(grown);
      const value = new Float64Array(grown);
      time.set(this.#time.subarray(from, this.#end));
      value.set(this.#value.subarray(from, this.#end));
      this.#time = time;
      this.#value = value;
    } else {
      this.#time.copyWithin(0, from, this.#end);
      this.#value.copyWithin(0, from, this.#end);
    }
    this.#start = 0;
    this.#end = kept;
  }
}

/** Index of the first element that is not below `time`, in ascending times. */
export function lowerBound(times: ArrayLike<number>, time: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((times[middle] as number) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The order that sorts `times`, or null when they ascend already. */
function ascendingOrder(times: ArrayLike<number>, length: number): Uint32Array | null {
  let ascending = true;
  for (let i = 1; i < length && ascending; i += 1) ascending = (times[i - 1] as number) <= (times[i] as number);
  if (ascending) return null;
  return Uint32Array.from({ length }, (_, i) => i).sort((a, b) => (times[a] as number) - (times[b] as number));
}
