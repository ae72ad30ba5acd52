/**
 * A queue of keys (`namespace/name`) with client-go's meaning: one run per key at a time, a key added during its run is run
 * again afterwards, the earliest of several wake-up times wins, failures back off per key.
 */
export interface Queue {
  /** Run the key as soon as a worker is free. */
  add(key: string): void;
  /** Run the key at `atMs` (epoch) unless it is due earlier already. */
  addAt(key: string, atMs: number): void;
  /** Drop what is planned for the key; used when its object is gone. */
  forget(key: string): void;
  /** Take no more keys and wait for the runs under way. */
  stop(): Promise<void>;
}

/** What one run of a key asks for: when to look again (epoch ms), if at all. Throwing means back-off. */
export type Reconcile = (key: string) => Promise<{ wakeAt?: number | undefined }>;
