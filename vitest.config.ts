import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { playwright } from '@vitest/browser-playwright'
import { defineConfig } from 'vitest/config'
import { chromiumLaunchOptions } from './scripts/chromium.ts'
import { commands } from './test/browser-commands.ts'

const root = fileURLToPath(new URL('.', import.meta.url))
const BROWSER_TESTS = 'test/**/*.browser.test.ts'

/** What TensorFlow.js says when a test makes it start backends again; it is expected, and would hide what is not. */
const EXPECTED =
  /The kernel '\w+' for backend '\w+' is already registered|Hi, looks like you are running TensorFlow\.js in Node\.js/

export default defineConfig({
  test: {
    onConsoleLog: log => !EXPECTED.test(log),
    globalSetup: ['test/setup.ts'],
    // Many files wait for a browser, a server or another process: with two cores the second is not left idle.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      {
        extends: true,
        // Examples import the package by its name, as its users do.
        resolve: { alias: [{ find: /^facewise\/(\w+)$/, replacement: `${root}src/$1/index.ts` }] },
        test: {
          name: 'node',
          environment: 'node',
          include: ['test/**/*.test.ts'],
          exclude: [BROWSER_TESTS],
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        extends: true,
        resolve: { conditions: ['browser', 'module', 'import', 'default'] },
        test: {
          name: 'browser',
          include: [BROWSER_TESTS],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({ launchOptions: chromiumLaunchOptions() }),
            instances: [{ browser: 'chromium' }],
            commands,
          },
        },
      },
    ],
  },
})
