import type { AddHelpTextContext } from 'commander'

/** Longer lines are hard to read, however wide the terminal is. */
const WIDEST = 100

/**
 * The text under the options of a command's help, with its lines as long as the terminal allows.
 *
 * @param text lines of one paragraph have the same indent; an empty line, or another indent, begins the next. Under `Examples:` lines that
 * are indented by two are commands, and stay as they are: they are to be copied.
 */
export function epilogue(text: string): (context: AddHelpTextContext) => string {
  return ({ command }) => {
    const width = command.configureOutput().getOutHelpWidth?.() ?? WIDEST
    return fill(text, Math.min(width, WIDEST))
  }
}

/** Breaks the lines of `text` anew; exported for its test. */
export function fill(text: string, width: number): string {
  const filled: string[] = []
  let paragraph: string[] = []
  let indent = 0
  let examples = false
  const flush = (): void => {
    if (paragraph.length > 0) filled.push(...broken(paragraph.join(' '), width, indent))
    paragraph = []
  }
  for (const line of text.split('\n')) {
    const words = line.trim()
    const depth = line.length - line.trimStart().length
    if (words === '' || depth !== indent || (examples && depth === 2)) flush()
    indent = depth
    if (words === '') filled.push('')
    else if (examples && depth === 2) filled.push(line)
    else paragraph.push(words)
    if (words === '' || depth === 0) examples = words === 'Examples:'
    if (examples && depth === 0) flush()
  }
  flush()
  return filled.join('\n')
}

function broken(text: string, width: number, indent: number): string[] {
  const lines: string[] = []
  let line = ''
  // What stands between backticks is one word.
  for (const word of text.match(/\S*`[^`]*`\S*|\S+/g) ?? []) {
    if (line !== '' && indent + line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  return [...lines, line].map(each => ' '.repeat(indent) + each)
}
