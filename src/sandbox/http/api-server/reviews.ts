import type { ApiRequest } from './api-request.ts';
import { bodyOf } from './api-request.ts';
import type { DiscoveredResource } from './discovery.ts';
import { badRequest, methodNotAllowed } from './refusals.ts';
import type { Reply } from './reply.ts';

const user = { username: 'sandbox-admin', groups: ['system:masters', 'system:authenticated'] };

/** The status of each review: in the sandbox everybody may do everything. */
const answers: Record<string, { kind: string; namespaced?: boolean; status: unknown }> = {
  'authorization.k8s.io/selfsubjectaccessreviews': { kind: 'SelfSubjectAccessReview', status: { allowed: true } },
  'authorization.k8s.io/subjectaccessreviews': { kind: 'SubjectAccessReview', status: { allowed: true } },
  'authorization.k8s.io/localsubjectaccessreviews': {
    kind: 'LocalSubjectAccessReview',
    namespaced: true,
    status: { allowed: true },
  },
  'authorization.k8s.io/selfsubjectrulesreviews': {
    kind: 'SelfSubjectRulesReview',
    status: {
      resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }],
      nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
      incomplete: false,
    },
  },
  'authentication.k8s.io/selfsubjectreviews': { kind: 'SelfSubjectReview', status: { userInfo: user } },
  'authentication.k8s.io/tokenreviews': { kind: 'TokenReview', status: { authenticated: true, user } },
};

/** The reviews as discovery lists them. */
export const reviewResources: DiscoveredResource[] = Object.entries(answers).map(([key, { kind, namespaced }]) => {
  const [group = '', name = ''] = key.split('/');
  return {
    group,
    version: 'v1',
    name,
    kind,
    namespaced: namespaced ?? false,
    verbs: ['create'],
    singular: kind.toLowerCase(),
  };
});

/** Answers a review; undefined when the path names none. */
export function reviewReply(request: ApiRequest): Reply | undefined {
  const { resource } = request;
  const answer = resource?.version === 'v1' ? answers[`${resource.group}/${resource.plural}`] : undefined;
  if (answer === undefined) return undefined;
  if (request.method !== 'POST') throw methodNotAllowed();
  const review = bodyOf(request);
  if (typeof review !== 'object' || review === null) throw badRequest(`the body is no ${answer.kind}`);
  const apiVersion = `${resource?.group}/v1`;
  const metadata = { creationTimestamp: null };
  return { code: 201, body: { kind: answer.kind, apiVersion, metadata, ...review, status: answer.status } };
}
