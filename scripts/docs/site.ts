import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  Application,
  Comment,
  CommentTag,
  Converter,
  type DeclarationReflection,
  type DocumentReflection,
  JSX,
  KindRouter,
  Logger,
  LogLevel,
  type ProjectReflection,
  type Reflection,
  ReflectionKind,
  TSConfigReader,
  TypeDocReader,
} from 'typedoc'
import { type Chapter, contents, frontPage, type Page } from './contents.ts'
import { apiLinks } from './links.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const API = 'API'

interface PlacedPage extends Page {
  readonly chapter: Chapter['title']
  readonly order: number
}

/**
 * Builds the site of all guides and of the API into a folder, which it empties. Order, titles and addresses of the pages come from
 * `contents.ts`, not from front matter, which GitHub and npm would show.
 *
 * @returns what is wrong; an empty list if all is well.
 */
export async function buildSite(out: string): Promise<string[]> {
  const wrong = forgottenPages()
  if (wrong.length > 0) return wrong
  const app = await Application.bootstrapWithPlugins(
    {
      options: join(root, 'typedoc.json'),
      readme: join(root, frontPage),
      projectDocuments: contents.flatMap(({ pages }) => pages.map(({ file }) => join(root, file))),
      groupOrder: [...contents.map(({ title }) => title), API, '*'],
      router: 'facewise',
    },
    [new TypeDocReader(), new TSConfigReader()],
  )
  app.logger = new WarningsOnly(wrong)
  const pages = placedPages()
  app.renderer.defineRouter('facewise', addresses(pages))
  app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_, document: DocumentReflection) => {
    const page = pages.get(pathOf(document))
    if (!page) return
    document.name = page.title ?? headingOf(page.file)
    document.frontmatter.group = page.chapter
  })
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    project.files.registerReflection(join(root, 'README.md') as never, project)
    for (const module of project.getChildrenByKind(ReflectionKind.Module)) nameAsEntry(module)
  })
  // After the groups were made.
  app.converter.on(Converter.EVENT_RESOLVE_END, ({ project }) => inOrder(project, pages), -1000)
  apiLinks(app)
  app.renderer.hooks.on('content.begin', ({ page }) =>
    page.url === 'index.html' ? JSX.createElement('div', { class: 'front' }) : JSX.createElement(JSX.Fragment, null),
  )
  app.renderer.hooks.on('head.begin', () =>
    JSX.createElement('script', null, JSX.createElement(JSX.Raw, { html: openChapters() })),
  )

  const project = await app.convert()
  if (!project) return wrong.length > 0 ? wrong : ['TypeDoc gave no project.']
  await app.generateDocs(project, out)
  return wrong
}

/** Chapters of guides are open until somebody closes them. TypeDoc's script keeps what is open under these keys. */
function openChapters(): string {
  const keys = contents.slice(0, -1).map(({ title }) => `tsd-accordion-${title}`)
  return `try{for(const k of ${JSON.stringify(keys)})localStorage.getItem(k)??localStorage.setItem(k,'true')}catch{}`
}

class WarningsOnly extends Logger {
  constructor(private readonly lines: string[]) {
    super()
  }

  override log(message: string, level: LogLevel): void {
    super.log(message, level)
    if (level >= LogLevel.Warn) this.lines.push(message)
  }
}

function forgottenPages(): string[] {
  const placed = new Set(contents.flatMap(({ pages }) => pages.map(({ file }) => file)))
  const there = [
    ...readdirSync(join(root, 'docs')).map(name => `docs/${name}`),
    ...readdirSync(join(root, 'models')).map(name => `models/${name}/README.md`),
  ].filter(file => file.endsWith('.md') && existsSync(join(root, file)))
  return [
    ...there
      .filter(file => file !== frontPage && !placed.has(file))
      .map(file => `${file} is in no chapter: give it a place in scripts/docs/contents.ts.`),
    ...[...placed]
      .filter(file => !existsSync(join(root, file)))
      .map(file => `${file} is not there: scripts/docs/contents.ts names it.`),
  ]
}

function placedPages(): Map<string, PlacedPage> {
  const pages = contents.flatMap(({ title: chapter, pages }) => pages.map(page => ({ ...page, chapter })))
  return new Map(pages.map((page, order) => [join(root, page.file), { ...page, order }]))
}

/** Addresses: those of `contents.ts` for guides, `api/` for what TypeScript exports. */
function addresses(pages: ReadonlyMap<string, PlacedPage>) {
  return class extends KindRouter {
    protected override getIdealBaseName(reflection: Reflection): string {
      const page = reflection.isDocument() ? pages.get(pathOf(reflection)) : undefined
      return page?.slug ?? `api/${super.getIdealBaseName(reflection)}`
    }
  }
}

function pathOf(reflection: Reflection): string {
  return reflection.project.files.getReflectionPath(reflection) ?? ''
}

function headingOf(file: string): string {
  const heading = /^# (.+)$/m.exec(readFileSync(join(root, file), 'utf8'))?.[1]
  if (!heading) throw new Error(`${file} has no heading.`)
  return heading
}

/** A module is called what a program imports: `detect` becomes `facewise/detect`. */
function nameAsEntry(module: DeclarationReflection): void {
  module.name = module.name === 'index' ? 'facewise' : `facewise/${module.name}`
  module.comment ??= new Comment()
  module.comment.blockTags.push(new CommentTag('@group', [{ kind: 'text', text: API }]))
}

function inOrder(project: ProjectReflection, pages: ReadonlyMap<string, PlacedPage>): void {
  const order = (reflection: Reflection): number => pages.get(pathOf(reflection))?.order ?? Number.POSITIVE_INFINITY
  for (const group of project.groups ?? []) {
    if (group.title !== API) group.children.sort((a, b) => order(a) - order(b))
  }
  project.documents?.sort((a, b) => order(a) - order(b))
}
