import { dirname, posix } from 'node:path';
import { importsOf } from './source.ts';

/** What the files of one room may import besides the room itself. */
interface Room {
  /** Other rooms of `src/`. */
  rooms: readonly string[];
  /** Modules of Node, as `node:x`; `any` for all of them. */
  node: readonly string[] | 'any';
  /** Packages; `any` for all but those that have a home of their own (see `homes`). */
  packages: readonly string[] | 'any';
}

const pureRooms = ['api', 'analysis', 'routes', 'decide'] as const;
const adapters = ['ports', 'api', 'analysis'] as const;
const engine = [...pureRooms, 'ports', 'view'] as const;
const outside = { node: 'any', packages: 'any' } as const;
const pure = { node: [], packages: [] } as const;

/** Who may import whom: the rule is told in docs/contributing.md. A file directly in `src/` is a room of its own. */
const rooms: Readonly<Record<string, Room>> = {
  // node:crypto for digests of revisions only: a digest is as pure as an addition.
  api: { rooms: [], node: ['node:crypto'], packages: ['typebox'] },
  analysis: { ...pure, rooms: ['api'] },
  routes: { ...pure, rooms: ['api'] },
  decide: { ...pure, rooms: ['api', 'analysis', 'routes'] },
  ports: { ...pure, rooms: ['api', 'analysis'] },
  kube: { ...outside, rooms: adapters },
  metrics: { ...outside, rooms: adapters },
  queue: { ...outside, rooms: adapters },
  notify: { ...outside, rooms: adapters },
  view: { ...outside, rooms: [...pureRooms, 'ports'] },
  effects: { ...outside, rooms: [...engine] },
  // The loop itself, and what turns a change into work: docs/decisions/0002-engine-room.md.
  engine: { ...outside, rooms: [...engine, 'effects'] },
  // The wiring of one engine process, for the command line, the demo and the tests.
  'controller.ts': { ...outside, rooms: [...engine, 'engine', 'kube', 'metrics', 'queue'] },
  server: { ...outside, rooms: [...engine, 'kube', 'metrics', 'queue', 'notify', 'cli'] },
  cli: {
    ...outside,
    rooms: [...engine, 'kube', 'metrics', 'queue', 'notify', 'server', 'sandbox', 'system.ts', 'controller.ts'],
  },
  'sandbox/world': { node: ['node:crypto'], packages: 'any', rooms: ['api', 'ports'] },
  sandbox: { ...outside, rooms: ['api', 'ports', 'sandbox/world'] },
  'system.ts': { ...outside, rooms: ['ports'] },
};

/** Packages that only one room knows, so that they can be exchanged there. */
const homes: Readonly<Record<string, string>> = {
  '@kubernetes/client-node': 'kube',
  'prometheus-query': 'metrics',
  bullmq: 'queue',
  ioredis: 'queue',
  commander: 'cli',
};

/** Packages that open sockets: not for the world of the sandbox, which the simulation runs under a virtual clock. */
const socketPackages = new Set(['undici', 'fastify', 'axios', 'ws']);

/** The room that a file of `src/` belongs to: the longest name in the table that its path begins with, else its first folder. */
export function roomOf(path: string): string {
  const inside = path.replace(/^src\//, '');
  const known = Object.keys(rooms).filter((room) => inside === room || inside.startsWith(`${room}/`));
  return known.sort((a, b) => b.length - a.length)[0] ?? inside.split('/')[0] ?? inside;
}

/** One complaint for each import of a file of `src/` that its room does not allow: file, line, what it imports, what is allowed. */
export function forbiddenImports(path: string, text: string): string[] {
  const name = roomOf(path);
  if (name === 'main.ts') return [];
  const room = rooms[name];
  if (room === undefined)
    return [`${path}: the room "${name}" is not in test/house/rooms.ts: say there what it may import`];
  return importsOf(text).flatMap(({ line, specifier }) => {
    const allowed = whatIsAllowedInstead(path, name, room, specifier);
    return allowed === undefined ? [] : [`${path}:${line} imports ${specifier}, but ${allowed}`];
  });
}

/** `undefined` when the import is fine, else the end of the complaint. */
function whatIsAllowedInstead(path: string, name: string, room: Room, specifier: string): string | undefined {
  if (specifier.startsWith('.')) return notAllowedRoom(path, name, room, specifier);
  if (specifier.startsWith('node:')) {
    if (room.node === 'any' || room.node.includes(specifier)) return undefined;
    return `${name} may import ${list(room.node)} of Node`;
  }
  return notAllowedPackage(name, room, specifier);
}

function notAllowedRoom(path: string, name: string, room: Room, specifier: string): string | undefined {
  const target = posix.join(dirname(path), specifier);
  if (!target.startsWith('src/')) return 'src/ imports nothing from outside src/';
  const other = roomOf(target);
  if (other === name || room.rooms.includes(other)) return undefined;
  return `${name} may import ${list(room.rooms)} (and itself), not ${other}`;
}

function notAllowedPackage(name: string, room: Room, specifier: string): string | undefined {
  const parts = specifier.split('/');
  const found = specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? specifier);
  const home = homes[found];
  if (home !== undefined && home !== name) return `${found} is known to src/${home} only`;
  if (name === 'sandbox/world' && socketPackages.has(found))
    return 'sandbox/world opens no sockets: put it in sandbox/http';
  if (room.packages === 'any' || room.packages.includes(found)) return undefined;
  return `${name} may import ${list(room.packages)} as packages`;
}

function list(names: readonly string[]): string {
  return names.length === 0 ? 'nothing' : names.join(', ');
}
