import type { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { fill } from '../../src/cli/epilogue.ts'
import { createProgram } from '../../src/cli/program.ts'
import { recordingTerminal } from './terminal.ts'

const TEXT = `
Examples:
  facewise detect a-folder-with-a-long-name/ --json > faces.jsonl
      What it does, in words that are
      broken anew.

With --json each line is
  { "file", "faces" }
or \`an error that stays\` one.`

describe('the text under the options', () => {
  it('is filled to a width: commands as they are, paragraphs by their indent', () => {
    expect(fill(TEXT, 30)).toBe(`
Examples:
  facewise detect a-folder-with-a-long-name/ --json > faces.jsonl
      What it does, in words
      that are broken anew.

With --json each line is
  { "file", "faces" }
or \`an error that stays\` one.`)
  })

  it('is no wider than 80 columns in any command, examples aside, and names what there is', () => {
    const context = {
      terminal: { ...recordingTerminal(), stdout: { isTTY: true, columns: 80, write() {} } },
      version: '1',
      fail() {},
    }
    const program = createProgram(context)
    const check = (command: Command): number => {
      let text = ''
      command.configureOutput({
        writeOut(part) {
          text += part
        },
      })
      command.outputHelp()
      for (const line of text.split('\n').filter(each => !/^ {2}(facewise|curl|source) /.test(each))) {
        expect(line.length, line).toBeLessThanOrEqual(80)
      }
      // A command that runs something shows how.
      if (command.commands.length === 0) expect(text, command.name()).toContain('Examples:\n  ')
      expect(text).toContain('--help')
      return 1 + command.commands.reduce((sum, each) => sum + check(each), 0)
    }
    expect(check(program)).toBeGreaterThan(20)
  })
})
