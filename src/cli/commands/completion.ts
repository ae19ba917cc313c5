import { Argument } from 'commander'
import type { RegisterCommand } from '../command.ts'
import { bashCompletion } from '../completion/bash.ts'
import { fishCompletion } from '../completion/fish.ts'
import { wordsOf } from '../completion/words.ts'
import { zshCompletion } from '../completion/zsh.ts'
import { epilogue } from '../epilogue.ts'

const SHELLS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const

/** `facewise completion`. */
export const completion: RegisterCommand = (program, { terminal: { stdout } }) => {
  program
    .command('completion')
    .description('Prints a script by which a shell completes commands, options and their values.')
    .addArgument(new Argument('<shell>', 'the shell').choices(Object.keys(SHELLS)))
    .addHelpText('after', epilogue(HELP))
    .action((shell: keyof typeof SHELLS) => {
      stdout.write(SHELLS[shell](wordsOf(program)))
    })
}

const HELP = `
Examples:
  source <(facewise completion bash)
      In ~/.bashrc. The script is also a file for bash-completion's folder: ~/.local/share/bash-completion/completions/facewise
  source <(facewise completion zsh)
      In ~/.zshrc, after compinit; or as a file _facewise in a folder of $fpath.
  facewise completion fish > ~/.config/fish/completions/facewise.fish

Make it again after an update. It completes what follows the word "facewise", not "npx facewise".`
