import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { inflateSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { contents, frontPage } from '../../scripts/docs/contents.ts'
import { buildSite } from '../../scripts/docs/site.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const site = join(root, 'output', 'docs-test')

let warnings: string[]
let files: string[]
/** By path below the site. */
const pages = new Map<string, string>()

beforeAll(async () => {
  rmSync(site, { recursive: true, force: true })
  warnings = await buildSite(site)
  files = readdirSync(site, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => relative(site, join(entry.parentPath, entry.name)))
  for (const file of files) if (file.endsWith('.html')) pages.set(file, readFileSync(join(site, file), 'utf8'))
}, 180_000)
afterAll(() => rmSync(site, { recursive: true, force: true }))

describe('the site of the documentation', () => {
  it('is built without a warning', () => {
    expect(warnings).toEqual([])
    expect(pages.size).toBeGreaterThan(100)
  })

  it('has every page of docs/ and every model card in its navigation', () => {
    const packed = /"([A-Za-z0-9+/=]+)"/.exec(readFileSync(join(site, 'assets', 'navigation.js'), 'utf8'))?.[1] ?? ''
    const navigation = inflateSync(Buffer.from(packed, 'base64')).toString()
    const markdown = readdirSync(join(root, 'docs')).filter(
      name => name.endsWith('.md') && `docs/${name}` !== frontPage,
    )
    const addresses = [
      ...markdown.map(name => `guide/${name.replace('.md', '.html')}`),
      ...readdirSync(join(root, 'models'))
        .filter(name => existsSync(join(root, 'models', name, 'README.md')))
        .map(name => `card/${name}.html`),
    ]
    expect(addresses.filter(address => !navigation.includes(`"${address}"`) || !pages.has(address))).toEqual([])
    for (const { title } of contents) expect(navigation).toContain(`"${title}"`)
  })

  it('has a page for every entry of the package that exports something', () => {
    const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    const entries = Object.keys(exports).filter(entry => !/\*|package\.json|worker-entry|batch-thread/.test(entry))
    const missing = entries.filter(entry => {
      const name = `facewise${entry.slice(1)}`
      return ![...pages.keys()].some(path => path === `api/modules/${name.replaceAll('/', '_')}.html`)
    })
    expect(entries.length).toBeGreaterThan(10)
    expect(missing).toEqual([])
  })

  it('has no link that leads nowhere', () => {
    const ids = new Map(
      [...pages].map(([path, html]) => [path, new Set([...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id))]),
    )
    const broken: string[] = []
    let links = 0
    for (const [path, html] of pages) {
      for (const [, address] of html.matchAll(/<(?:a|link|script|img)\b[^>]*? (?:href|src)="([^"]+)"/g)) {
        if (/^(?:[a-z]+:|\/\/)/i.test(address)) continue
        links++
        const [place, anchor] = decodeURI(address.replaceAll('&amp;', '&').replace(/\?[^#]*/, '')).split('#')
        const target = place === '' ? path : join(dirname(path), place)
        const there = files.includes(target) || existsSync(join(site, target, 'index.html'))
        if (!there || (anchor && !ids.get(target)?.has(anchor))) broken.push(`${path} -> ${address}`)
      }
    }
    expect(broken).toEqual([])
    expect(links).toBeGreaterThan(1000)
  })

  it('joins guides and API both ways', () => {
    expect(pages.get('guide/detection.html')).toMatch(
      /href="\.\.\/api\/functions\/[\w.]*nms\.html"|pyramidLevels\.html"/,
    )
    expect(pages.get('api/functions/facewise_detect.createMtcnn.html')).toContain('guide/detection.html')
  })
})
