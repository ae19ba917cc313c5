import { developmentData } from './data.ts'

/** Says once, before all tests, what will be skipped and why. */
export default function setup(): void {
  if (developmentData) return
  console.log(
    '\nSKIPPED: every test that needs the development data (reference outputs and labelled photos).' +
      '\n         It is not part of the project; FACEWISE_DATA names its folder (default ../shared).\n',
  )
}
