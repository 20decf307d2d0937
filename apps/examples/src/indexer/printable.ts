/**
 * Text as it may be sent to a terminal: control characters, escape sequences among them, are spelt out. File names
 * and file contents are not ours, and must neither break a line in two nor drive the terminal.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, (character) => {
    if (character === '\t') return ' '
    return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`
  })
}
