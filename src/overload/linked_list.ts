/**
 * A list whose items can be taken out anywhere at once.
 *
 * @module
 */

/** The place of an item in a list. */
export class Place<T> {
  readonly item: T;
  list: LinkedList<T> | undefined;
  before: Place<T> | undefined;
  after: Place<T> | undefined;

  constructor(item: T) {
    this.item = item;
  }
}

/** Items in order; every operation takes constant time. */
export class LinkedList<T> {
  first: Place<T> | undefined;
  last: Place<T> | undefined;
  size = 0;

  /** Puts a place that is in no list at the end. */
  append(place: Place<T>): void {
    place.list = this;
    place.before = this.last;
    if (this.last === undefined) this.first = place;
    else this.last.after = place;
    this.last = place;
    this.size++;
  }

  /** Takes a place of this list out; one that is not in it stays where it is. */
  remove(place: Place<T>): void {
    if (place.list !== this) return;
    if (place.before === undefined) this.first = place.after;
    else place.before.after = place.after;
    if (place.after === undefined) this.last = place.before;
    else place.after.before = place.before;
    place.list = place.before = place.after = undefined;
    this.size--;
  }
}
