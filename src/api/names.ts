/** Names on other objects that users and tools depend on; they never change. */

/** Field manager of every write. */
export const fieldManager = 'linnet';

/** Keeps a Canary until its routes are restored. */
export const finalizer = 'linnet.dev/restore';

/** Labels of the objects that Linnet creates. */
export const canaryLabel = 'linnet.dev/canary';
export const canaryUidLabel = 'linnet.dev/canary-uid';

/** Full digest of the revision that a canary Deployment carries. */
export const revisionAnnotation = 'linnet.dev/revision';

/** A command request is an annotation `command.linnet.dev/<id>` on the Canary. */
export const commandPrefix = 'command.linnet.dev/';

/** The annotation that orders Linnet's writes on a route. */
export function fenceAnnotation(canaryUid: string): string {
  return `fence.linnet.dev/${canaryUid}`;
}

/** Name of the canary's Deployment and Service in `targetRef` mode. */
export function canaryObjectName(name: string): string {
  return `${name}-canary`;
}
