/** How a pod of the sandbox behaves; its image tag says it. */
export interface Behaviour {
  /** The tag without its behaviours: `v2` of `shop:v2-err50-slow200`. */
  version: string;
  /** Percent of requests answered 500. */
  errorPercent: number;
  /** Added to every answer. */
  slowMs: number;
  /** Requests are taken and never answered. */
  hang: boolean;
  neverReady: boolean;
  /** The container ends right after each start. */
  crash: boolean;
}

/**
 * Reads an image's tag: `demo:v2`, with any of `-err50` (percent), `-slow500` (ms), `-hang`, `-notready`, `-crash` behind.
 * Any other part belongs to the version. An image without a tag has the version `latest`.
 */
export function behaviourOf(image: string): Behaviour {
  const name = (image.split('@')[0] ?? '').split('/').at(-1) ?? '';
  const colon = name.indexOf(':');
  const behaviour = { version: '', errorPercent: 0, slowMs: 0, hang: false, neverReady: false, crash: false };
  const version: string[] = [];
  for (const part of (colon < 0 ? 'latest' : name.slice(colon + 1)).split('-')) {
    if (!takePart(behaviour, part)) version.push(part);
  }
  return { ...behaviour, version: version.join('-') };
}

function takePart(behaviour: Behaviour, part: string): boolean {
  const [, word = part, number = ''] = /^(err|slow)(\d{1,6})$/.exec(part) ?? [];
  if (word === 'err' && number !== '') behaviour.errorPercent = Math.min(100, Number(number));
  else if (word === 'slow' && number !== '') behaviour.slowMs = Number(number);
  else if (word === 'hang') behaviour.hang = true;
  else if (word === 'notready') behaviour.neverReady = true;
  else if (word === 'crash') behaviour.crash = true;
  else return false;
  return true;
}
