/** What a person does on the page, by what is written on it. */
import { type Browser, type BrowserContext, chromium, type Locator, type Page } from 'playwright'
import { expect } from 'vitest'
import { chromiumLaunchOptions } from '../../../scripts/chromium.ts'
import { cameraArguments } from './camera.ts'

export interface Person {
  readonly name: string
  readonly email: string
}

export const PASSWORD = 'a lamp by the door'

/** For what the networks have to be loaded and run for, on a machine that may be busy. */
export const SLOW = { timeout: 60_000 }

/** A browser before whose camera the film is played (`''`: Chromium's own), or without a camera. */
export function launch(film?: string): Promise<Browser> {
  const { args, ...options } = chromiumLaunchOptions()
  return chromium.launch({ ...options, args: [...args, ...(film === undefined ? [] : cameraArguments(film))] })
}

/** A person's own window, at a page of the app. Errors of the page are errors of the test. */
export async function visit(
  browser: Browser,
  address: string,
  options: Parameters<Browser['newContext']>[0] = {},
): Promise<{ page: Page; context: BrowserContext; errors: string[] }> {
  const context = await browser.newContext(options)
  const page = await context.newPage()
  const errors: string[] = []
  page.on('pageerror', error => errors.push(String(error)))
  page.on('console', message => {
    if (/Content Security Policy|Refused to/.test(message.text())) errors.push(message.text())
  })
  await page.goto(address)
  return { page, context, errors }
}

export const heading = (page: Page, name: string | RegExp): Locator => page.getByRole('heading', { name })

/** Waits for a refusal, which has to be of this kind, and to offer another try. */
export async function refused(page: Page, code: string): Promise<void> {
  const panel = page.locator('.problem')
  await panel.waitFor(SLOW)
  expect(await panel.getAttribute('data-code'), (await panel.textContent()) ?? '').toBe(code)
  await panel.getByRole('button', { name: 'Try again' }).waitFor()
}

/** Signs up, up to the question for the face. */
export async function signUp(page: Page, { name, email }: Person): Promise<void> {
  await page.getByRole('navigation').getByRole('link', { name: 'Sign up' }).click()
  await page.getByLabel('Your name').fill(name)
  await page.getByLabel('E-mail').fill(email)
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
  await page.getByLabel('I agree to this.').check()
  await page.getByRole('button', { name: 'Sign up' }).click()
  await heading(page, 'Add your face').waitFor()
}

/** Enters e-mail and password. What comes then depends on the account. */
export async function enterPassword(page: Page, email: string, password = PASSWORD): Promise<void> {
  await page.getByRole('navigation').getByRole('link', { name: 'Log in' }).click()
  await page.getByLabel('E-mail').fill(email)
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Log in', exact: true }).click()
}

/** After the password: sits down before the camera. */
export async function showFace(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Start the camera' }).click()
}

/** The password that is asked for in a dialog. */
export async function confirm(page: Page, action: string, password = PASSWORD): Promise<void> {
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Your password').fill(password)
  await dialog.getByRole('button', { name: action }).click()
}

/**
 * Sits before the camera until a page with this heading comes, and tries again as a person would where the movement was not seen well: on a
 * busy machine the camera's pictures come too seldom now and then. Any other refusal fails the test.
 */
export async function throughTheDoor(page: Page, name: string): Promise<void> {
  const reasons: string[] = []
  const panel = page.locator('.problem')
  for (let tries = 1; tries <= 3; tries++) {
    await heading(page, name).or(panel).first().waitFor(SLOW)
    if (await heading(page, name).isVisible()) return
    reasons.push(`${await panel.getAttribute('data-code')}: ${await panel.textContent()}`)
    expect(reasons.at(-1)).toMatch(/^(not-live|another-movement):/)
    await page.getByRole('button', { name: 'Try again' }).click()
    await panel.waitFor({ state: 'hidden' })
  }
  throw new Error(`Three tries were refused: ${reasons.join(' | ')}`)
}
