import type { WriteOptions } from '../../world/types.ts';
import { isTrue } from './api-request.ts';
import type { ResourceRequest } from './context.ts';
import { badRequest, invalidOption } from './refusals.ts';

/** The options of a write from its query. Throws 400 or 422 for values that mean nothing. */
export function writeOptionsOf({ request, path, warnings }: ResourceRequest): WriteOptions {
  const { query } = request;
  return {
    fieldManager: fieldManagerOf(query.get('fieldManager'), request.headers['user-agent']),
    fieldValidation: fieldValidationOf(query.get('fieldValidation')),
    warn: (message) => warnings.push(message),
    ...(isDryRun(query.getAll('dryRun')) ? { dryRun: true } : {}),
    ...(isTrue(query.get('force')) ? { force: true } : {}),
    ...(path.subresource === 'status' ? { subresource: 'status' } : {}),
  };
}

/** Whether `dryRun` asks that nothing is stored. */
export function isDryRun(values: unknown[]): boolean {
  const asked = values.filter((value) => value !== '');
  if (asked.some((value) => value !== 'All')) {
    throw invalidOption(
      'PatchOptions',
      'dryRun',
      `Unsupported value: ${JSON.stringify(asked)}: supported values: "All"`,
    );
  }
  return asked.length > 0;
}

function fieldManagerOf(named: string | null, userAgent: string | undefined): string {
  if (named !== null && named.length > 128) {
    throw invalidOption('PatchOptions', 'fieldManager', 'Too long: may not be more than 128 bytes');
  }
  const agent = userAgent?.split('/')[0]?.slice(0, 128);
  return named || agent || 'unknown';
}

function fieldValidationOf(value: string | null): 'Ignore' | 'Warn' | 'Strict' {
  switch (value) {
    case null:
    case '':
      return 'Warn';
    case 'Ignore':
    case 'Warn':
    case 'Strict':
      return value;
    default:
      throw badRequest(
        `fieldValidation: Unsupported value: "${value}": supported values: "", "Ignore", "Strict", "Warn"`,
      );
  }
}
