import { stripVTControlCharacters } from 'node:util';
import type { Clock } from '../../ports/clock.ts';

/** Where the demo is told. */
export interface Screen {
  /** A line that stays. */
  say(line: string): void;
  /** A change that the panel shows by itself, and that is a line where there is no panel. */
  tell(line: string): void;
  /** Ends the panel; what it showed last stays. */
  close(): void;
}

const repaintMs = 200;

/** Lines only: for logs and pipes. */
export function lineScreen(clock: Clock, write: (text: string) => void): Screen {
  const startMs = clock.monotonic();
  const say = (line: string) => write(`${stampOf(clock.monotonic() - startMs)}${line}\n`);
  return {
    say,
    tell: say,
    close: () => undefined,
  };
}

/** A terminal: lines that stay, and below them a panel that is painted over and over. */
export function panelScreen(options: {
  clock: Clock;
  write: (text: string) => void;
  columns: () => number;
  /** The lines of the panel as they are now. */
  panel: () => string[];
}): Screen {
  const { clock, write, columns, panel } = options;
  let shown = 0;
  let cancel = () => {};

  const erase = () => (shown === 0 ? '' : `\u001b[${shown}A\u001b[0J`);
  function paint(above = ''): void {
    const lines = panel().map((line) => fitted(line, columns()));
    write(`${erase()}${above}${lines.map((line) => `${line}\n`).join('')}`);
    shown = lines.length;
  }
  function again(): void {
    paint();
    cancel = clock.after(repaintMs, again);
  }

  again();
  return {
    say: (line) => paint(`${line}\n`),
    tell: () => undefined,
    close() {
      cancel();
      paint();
      shown = 0;
    },
  };
}

/** A line that wraps would not be erased whole. */
function fitted(line: string, columns: number): string {
  const plain = stripVTControlCharacters(line);
  return plain.length < columns ? line : `${plain.slice(0, Math.max(1, columns - 2))}…`;
}

function stampOf(ms: number): string {
  return `${(ms / 1000).toFixed(1).padStart(6)}s  `;
}
