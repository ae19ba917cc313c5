import {
  type Application,
  type DeclarationReflection,
  type DocumentReflection,
  JSX,
  type PageEvent,
  type ProjectReflection,
  type Reflection,
  ReflectionKind,
  RendererEvent,
} from 'typedoc'

/** As much of a markdown-it parser as is needed here. */
interface Parser {
  renderer: { rules: Record<string, Rule | undefined> }
}
type Rule = (tokens: Token[], index: number, options: unknown, env: unknown, self: unknown) => string
interface Token {
  readonly type: string
  readonly content: string
}

/**
 * Joins guides and API without a word in either: a name of the API that stands in a text as code is a link to its page, and that page
 * names the guides in which it occurs.
 */
export function apiLinks(app: Application): void {
  let exported = new Map<string, DeclarationReflection>()
  let guides = new Map<Reflection, DocumentReflection[]>()
  let page: PageEvent<Reflection> | undefined

  app.renderer.on(RendererEvent.BEGIN, ({ project }: RendererEvent) => {
    exported = exportedNames(project)
    guides = guidesOf(project, exported)
  })
  app.renderer.on('beginPage' as never, (event: PageEvent<Reflection>) => {
    page = event
  })
  app.options.setValue('markdownItLoader', ((parser: Parser) => {
    const plain = parser.renderer.rules.code_inline
    parser.renderer.rules.code_inline = (tokens, index, ...rest) => {
      const code = plain?.(tokens, index, ...rest) ?? ''
      const target = exported.get(nameIn(tokens[index].content) ?? '')
      const router = app.renderer.router
      if (!target || !page || !router || target === page.model || isInLink(tokens, index)) return code
      return `<a href="${router.relativeUrl(page.model, target)}" class="api-link">${code}</a>`
    }
  }) as never)
  app.renderer.hooks.on('content.end', context => {
    const found = guides.get(context.page.model) ?? []
    if (found.length === 0) return JSX.createElement(JSX.Fragment, null)
    const links = found.map(guide => JSX.createElement('a', { href: context.urlTo(guide) }, guide.name))
    return JSX.createElement('p', { class: 'in-guides' }, 'In the guides: ', ...links)
  })
}

function exportedNames(project: ProjectReflection): Map<string, DeclarationReflection> {
  const names = new Map<string, DeclarationReflection>()
  for (const module of project.getChildrenByKind(ReflectionKind.Module)) {
    names.set(module.name, module)
    for (const child of module.children ?? []) {
      if (!child.isReference() && !names.has(child.name)) names.set(child.name, child)
    }
  }
  return names
}

/** The name of the API that a piece of code is or calls. Plain words such as `output` are as likely something else. */
function nameIn(code: string): string | undefined {
  const [, name, call] = /^(?:await |new )?([\w/]+)(\(.*\))?$/s.exec(code) ?? []
  return call || /[a-z][A-Z]|^[A-Z]+_[A-Z_]+$|^[A-Z][a-z]+$|^facewise\//.test(name ?? '') ? name : undefined
}

function isInLink(tokens: readonly Token[], index: number): boolean {
  const before = tokens.slice(0, index).map(({ type }) => type)
  return before.lastIndexOf('link_open') > before.lastIndexOf('link_close')
}

/** For each page of the API the guides whose programs import what it describes, or whose text names it. */
function guidesOf(
  project: ProjectReflection,
  exported: ReadonlyMap<string, DeclarationReflection>,
): Map<Reflection, DocumentReflection[]> {
  const guides = new Map<Reflection, DocumentReflection[]>()
  for (const document of project.documents ?? []) {
    if (!isGuide(document)) continue
    const text = document.content.map(part => part.text).join('')
    const names = new Set([...text.matchAll(/`([^`\n]+)`/g)].map(([, code]) => nameIn(code)))
    for (const [, imported, module] of text.matchAll(/^import (?:type )?\{([^}]+)\} from '(facewise[^']*)'/gm)) {
      names.add(module)
      for (const name of imported.split(',')) names.add(name.replace('type ', '').trim())
    }
    for (const name of names) {
      const target = exported.get(name ?? '')
      if (target) guides.set(target, [...(guides.get(target) ?? []), document])
    }
  }
  return guides
}

function isGuide(document: DocumentReflection): boolean {
  return document.project.files.getReflectionPath(document)?.includes('/docs/') ?? false
}
