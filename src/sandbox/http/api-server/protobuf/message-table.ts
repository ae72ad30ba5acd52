/** One field of a protobuf message. */
export interface Field {
  /** As in JSON. */
  name: string;
  /** A scalar (`string`, `bytes`, `bool`, `int32`, `int64`) or a message's full name. */
  type: string;
  /** Several values; keys of maps are always strings. */
  many?: 'list' | 'map';
  /** The message's fields stand in JSON among those of the message around it. */
  inline?: boolean;
}

/** Messages by full name, their fields by number. */
export type MessageTable = Record<string, Record<string, Field>>;
