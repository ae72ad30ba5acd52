import type { Endpoints } from './pods.ts';

/** Addresses of pods by side and attempt: a pod that is gone is still in the counters of the gateway. */
export interface AddressBook {
  /** Adds what is seen now and gives all that was seen in this attempt. */
  remember(
    canary: string,
    attempt: number,
    seen: { stable: Endpoints; canary: Endpoints },
  ): { stable: string[]; canary: string[] };
  forget(canary: string): void;
}

export function createAddressBook(): AddressBook {
  const known = new Map<string, { attempt: number; stable: Set<string>; canary: Set<string> }>();
  return {
    remember(canary, attempt, seen) {
      const present = known.get(canary);
      const sides =
        present?.attempt === attempt ? present : { attempt, stable: new Set<string>(), canary: new Set<string>() };
      for (const address of seen.stable.addresses) sides.stable.add(address);
      for (const address of seen.canary.addresses) sides.canary.add(address);
      known.set(canary, sides);
      return { stable: [...sides.stable], canary: [...sides.canary] };
    },
    forget: (canary) => void known.delete(canary),
  };
}
