/** A regular expression that RE2 would refuse, or that cannot be carried over. */
export class RegexError extends Error {
  override readonly name = 'RegexError';
}

const POSIX_CLASSES: Record<string, string> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  ascii: '\\x00-\\x7F',
  blank: '\\t ',
  cntrl: '\\x00-\\x1F\\x7F',
  digit: '0-9',
  graph: '!-~',
  lower: 'a-z',
  print: ' -~',
  punct: '!-\\/:-@\\[-`\\{-~',
  space: '\\t\\n\\v\\f\\r ',
  upper: 'A-Z',
  word: '0-9A-Za-z_',
  xdigit: '0-9A-Fa-f',
};

/** RE2's `\\s`, which is narrower than JavaScript's. */
const SPACE = '\\t\\n\\f\\r ';

/** Escapes that mean the same in RE2 and in JavaScript's `u` mode, inside and outside of brackets. */
const SHARED_ESCAPES = new Set('dDwWfnrtv');

/**
 * Compiles RE2's syntax, as Prometheus uses it, to a JavaScript expression that must match the whole text; `.` matches newlines too.
 * @throws RegexError
 */
export function compileRegex(pattern: string): RegExp {
  const source = new Translator(pattern).translate();
  try {
    return new RegExp(`^(?:${source})$`, 'su');
  } catch {
    throw new RegexError(`error parsing regexp: cannot compile: \`${pattern}\``);
  }
}

class Translator {
  readonly #pattern: string;
  #at = 0;
  #inBracket = false;
  /** For each open group, the flag groups open in it: `(?i)` lasts to the end of the group around it, across each `|`. */
  readonly #flags: string[][] = [[]];

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  translate(): string {
    let out = '';
    while (this.#at < this.#pattern.length) out += this.#next();
    if (this.#flags.length > 1) throw this.#error('missing closing )');
    return out + ')'.repeat(this.#flags[0]?.length ?? 0);
  }

  #next(): string {
    const char = this.#take();
    if (char === '\\') return this.#escape();
    if (char === '[') return this.#bracket();
    if (char === '(') return this.#open();
    if (char === ')') return this.#close();
    if (char === '|') return this.#bar();
    if (char === '{') return this.#repeat();
    return char === '}' || char === ']' ? `\\${char}` : char;
  }

  #bar(): string {
    const flags = this.#flags.at(-1) ?? [];
    return `${')'.repeat(flags.length)}|${flags.join('')}`;
  }

  /** A brace that does not begin a repetition stands for itself. */
  #repeat(): string {
    const counts = /^\d+(,\d*)?\}/.exec(this.#pattern.slice(this.#at))?.[0];
    if (counts === undefined) return '\\{';
    this.#at += counts.length;
    return `{${counts}`;
  }

  #open(): string {
    const rest = this.#pattern.slice(this.#at);
    if (!rest.startsWith('?')) return this.#group('(');
    const named = /^\?P?<([A-Za-z_]\w*)>/.exec(rest);
    if (named !== null) {
      this.#at += named[0].length;
      return this.#group(`(?<${named[1]}>`);
    }
    const flags = /^\?([ims]*)(?:-([ims]+))?([:)])/.exec(rest);
    if (flags === null) throw this.#error(`invalid or unsupported Perl syntax (${rest.slice(0, 2)}`);
    this.#at += flags[0].length;
    const [, on = '', off = '', end] = flags;
    const modifier = `(?${on}${off === '' ? '' : `-${off}`}:`;
    if (end === ':') return this.#group(modifier);
    this.#flags.at(-1)?.push(modifier);
    return modifier;
  }

  #group(text: string): string {
    this.#flags.push([]);
    return text;
  }

  #close(): string {
    if (this.#flags.length === 1) throw this.#error('unexpected )');
    return ')'.repeat(1 + (this.#flags.pop()?.length ?? 0));
  }

  #escape(): string {
    const char = this.#take();
    if (char === '') throw this.#error('trailing backslash at end of expression');
    if (char === 'A') return '(?<![^])';
    if (char === 'z') return '(?![^])';
    if (char === 'b' || char === 'B') return `\\${char}`;
    if (char === 'Q') return this.#quoted();
    return this.#classEscape(char);
  }

  /** Escapes that stand for characters and are therefore allowed in brackets. */
  #classEscape(char: string): string {
    if (SHARED_ESCAPES.has(char)) return `\\${char}`;
    if (char === 's') return this.#inBracket ? SPACE : `[${SPACE}]`;
    if (char === 'S' && !this.#inBracket) return `[^${SPACE}]`;
    if (char === 'a') return '\\x07';
    if (char === 'x') return this.#hex();
    if (char === 'p' || char === 'P') return this.#property(char);
    if (/[0-7]/.test(char)) return this.#octal(char);
    if (/[A-Za-z0-9]/.test(char)) throw this.#error(`invalid escape sequence \\${char}`);
    return this.#literal(char);
  }

  #bracket(): string {
    let out = '[';
    this.#inBracket = true;
    if (this.#pattern[this.#at] === '^') out += this.#take();
    for (let first = true; this.#pattern[this.#at] !== ']' || first; first = false) {
      if (this.#at >= this.#pattern.length) throw this.#error('missing closing ]');
      const posix = /^\[:(\^?)([a-z]+):\]/.exec(this.#pattern.slice(this.#at));
      if (posix !== null) out += this.#posix(posix);
      else out += this.#bracketChar();
    }
    this.#inBracket = false;
    return out + this.#take();
  }

  #bracketChar(): string {
    const char = this.#take();
    if (char === '\\') return this.#classEscape(this.#take());
    return char === '-' || char === '^' ? char : this.#literal(char);
  }

  #posix(match: RegExpExecArray): string {
    const [whole, negated, name = ''] = match;
    const chars = POSIX_CLASSES[name];
    if (chars === undefined || negated !== '') throw this.#error(`invalid character class range ${whole}`);
    this.#at += whole.length;
    return chars;
  }

  #quoted(): string {
    const end = this.#pattern.indexOf('\\E', this.#at);
    const text = end === -1 ? this.#pattern.slice(this.#at) : this.#pattern.slice(this.#at, end);
    this.#at = end === -1 ? this.#pattern.length : end + 2;
    return Array.from(text, (char) => this.#literal(char)).join('');
  }

  #hex(): string {
    const match = /^(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]+)\})/.exec(this.#pattern.slice(this.#at));
    if (match === null) throw this.#error('invalid escape sequence \\x');
    this.#at += match[0].length;
    return `\\u{${match[1] ?? match[2]}}`;
  }

  #octal(first: string): string {
    const match = /^[0-7]{1,2}/.exec(this.#pattern.slice(this.#at));
    if (match === null && first !== '0') throw this.#error(`invalid escape sequence \\${first}`);
    this.#at += match?.[0].length ?? 0;
    return `\\u{${Number.parseInt(first + (match?.[0] ?? ''), 8).toString(16)}}`;
  }

  /** General categories (`\pL`, `\p{Lu}`) and scripts (`\p{Greek}`). */
  #property(p: string): string {
    const match = /^(?:([A-Z])|\{(\w+)\})/.exec(this.#pattern.slice(this.#at));
    if (match === null) throw this.#error(`invalid character class range \\${p}`);
    this.#at += match[0].length;
    const name = match[1] ?? match[2] ?? '';
    return name.length > 2 ? `\\${p}{Script=${name}}` : `\\${p}{${name}}`;
  }

  #take(): string {
    const point = this.#pattern.codePointAt(this.#at);
    if (point === undefined) return '';
    const char = String.fromCodePoint(point);
    this.#at += char.length;
    return char;
  }

  #error(problem: string): RegexError {
    return new RegexError(`error parsing regexp: ${problem}: \`${this.#pattern}\``);
  }

  /** The character itself, whatever it is, in JavaScript's `u` mode. */
  #literal(char: string): string {
    if (char === '-') return this.#inBracket ? '\\-' : '-';
    return /[\^$\\.*+?()[\]{}|/]/.test(char) ? `\\${char}` : char;
  }
}
