/**
 * What the page has seen of the messages that a filter lets through: the tree, and how it goes. Drawn a few times a second,
 * however many messages come. While it is held, what comes waits, at most `HELD` messages, of which the newest are kept.
 */
import { messageStream, type MqttMessage, retainedMessages } from "@/api/mqtt";
import { follow, pauseByClock } from "./follow";
import { TopicTree } from "./topics";

/** A change is drawn so much later, together with what follows it. */
const DRAW_MS = 250;
/** So many messages wait while one looks. */
const HELD = 5_000;

/** What is drawn; a new one for each change. */
export interface FeedView {
  tree: TopicTree;
  state: "connecting" | "live" | "lost";
  /** Why the messages or what is retained do not come. */
  error: Error | null;
  /** Messages that came faster than they were read, or than they could wait. */
  missed: number;
  isHeld: boolean;
  /** Messages that wait. */
  held: number;
  /** Whether all that is retained is in the tree, as far as there is room. */
  isComplete: boolean;
}

/** Where messages come from. */
export interface FeedSource {
  stream: typeof messageStream;
  retained: typeof retainedMessages;
  now: () => number;
}

const server: FeedSource = { stream: messageStream, retained: retainedMessages, now: Date.now };

/** One filter's messages. */
export class TopicFeed {
  #view: FeedView = {
    tree: new TopicTree(),
    state: "connecting",
    error: null,
    missed: 0,
    isHeld: false,
    held: 0,
    isComplete: false,
  };
  readonly #watchers = new Set<() => void>();
  #timer: ReturnType<typeof setTimeout> | null = null;
  /** Messages and when they came. */
  #waiting: [message: MqttMessage, now: number][] = [];
  /** What the next view changes. */
  #changes: Partial<FeedView> = {};

  constructor(
    readonly filter: string,
    readonly source: FeedSource = server,
  ) {}

  /** Begins to read; gives what ends it. What was seen stays. */
  readonly start = (): (() => void) => {
    const ending = new AbortController();
    const { stream, now } = this.source;
    const world = { open: (signal: AbortSignal) => stream(this.filter, signal), pause: pauseByClock, random: Math.random };
    const stop = follow(world, {
      onOpen: () => {
        this.#change({ state: "live", error: null });
        if (!this.#next().isComplete) void this.#retained(ending.signal);
      },
      onMessage: (message) => {
        this.#receive(message, now());
      },
      onMissed: (count) => {
        this.#change({ missed: this.#next().missed + count });
      },
      onLost: (error) => {
        this.#change({ state: "lost", error });
      },
    });
    return () => {
      ending.abort();
      stop();
      this.#change({ state: "connecting" });
      this.#draw();
    };
  };

  /** Calls when there is another view, until what it gives is called. */
  readonly subscribe = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  };

  /** What is drawn. */
  readonly view = (): FeedView => this.#view;

  /** Holds what is drawn as it is, or lets what waited in. */
  readonly hold = (isHeld: boolean): void => {
    if (!isHeld) {
      for (const [message, now] of this.#waiting) this.#view.tree.insert(message, now);
      this.#waiting = [];
    }
    this.#change({ isHeld, held: 0 });
    this.#draw();
  };

  async #retained(signal: AbortSignal): Promise<void> {
    const { tree } = this.#view;
    try {
      for await (const messages of this.source.retained(this.filter, signal)) {
        const now = this.source.now();
        let hasRoom = true;
        for (const message of messages) hasRoom = tree.insertRetained(message, now) && hasRoom;
        this.#change({});
        if (!hasRoom) break;
      }
      this.#change({ isComplete: true });
    } catch (error) {
      if (!signal.aborted) this.#change({ error: error instanceof Error ? error : new Error(String(error)) });
    }
  }

  #receive(message: MqttMessage, now: number): void {
    if (!this.#next().isHeld) {
      this.#view.tree.insert(message, now);
      this.#change({});
      return;
    }
    this.#waiting.push([message, now]);
    const { missed } = this.#next();
    if (this.#waiting.length > HELD) {
      this.#waiting.shift();
      this.#change({ missed: missed + 1 });
    } else this.#change({ held: this.#waiting.length });
  }

  #next(): FeedView {
    return { ...this.#view, ...this.#changes };
  }

  #change(changes: Partial<FeedView>): void {
    Object.assign(this.#changes, changes);
    this.#timer ??= setTimeout(() => {
      this.#draw();
    }, DRAW_MS);
  }

  #draw(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#view = this.#next();
    this.#changes = {};
    for (const watcher of this.#watchers) watcher();
  }
}
