/** One field as it stands on the wire: a number, or bytes that are text, a message or a packed list. */
export interface WireField {
  number: number;
  value: number | Buffer;
}

/** Splits a protobuf message into its fields. Throws a RangeError when the bytes are none. */
export function wireFields(bytes: Buffer): WireField[] {
  const fields: WireField[] = [];
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes.readUInt8(at++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError('a number has more than ten bytes');
  };
  const take = (length: number): Buffer => {
    if (at + length > bytes.length)
      throw new RangeError(`${length} bytes are announced, ${bytes.length - at} are there`);
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const key = Number(varint());
    const number = key >>> 3;
    switch (key & 7) {
      case 0:
        fields.push({ number, value: Number(BigInt.asIntN(64, varint())) });
        break;
      case 1:
        fields.push({ number, value: take(8).readDoubleLE() });
        break;
      case 2:
        fields.push({ number, value: take(Number(varint())) });
        break;
      case 5:
        fields.push({ number, value: take(4).readFloatLE() });
        break;
      default:
        throw new RangeError(`wire type ${key & 7} is not in use`);
    }
  }
  return fields;
}
