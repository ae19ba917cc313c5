/** A group of the site's navigation, and its pages in their order. */
export interface Chapter {
  readonly title: string
  readonly pages: readonly Page[]
}

export interface Page {
  /** From the root of the project. */
  readonly file: string
  /** The last part of the page's address. */
  readonly slug: string
  /** In the navigation; without it, the page's first heading. */
  readonly title?: string
}

const guides = (...names: (string | [name: string, title: string])[]): Page[] =>
  names.map(entry => {
    const [slug, title] = typeof entry === 'string' ? [entry] : entry
    return { file: `docs/${slug}.md`, slug: `guide/${slug}`, title }
  })

const cards = (...names: string[]): Page[] =>
  names.map(name => ({ file: `models/${name}/README.md`, slug: `card/${name}`, title: name }))

/** The page that the site opens with, which GitHub shows as that of the folder. */
export const frontPage = 'docs/README.md'

/** Every page of the site but the front page and the pages of the API. A page of docs/ that is missing here fails the build. */
export const contents: readonly Chapter[] = [
  {
    title: 'Start',
    pages: guides('quick-start', 'identification', ['migration', 'Coming from another library']),
  },
  {
    title: 'The parts',
    pages: guides(
      'detection',
      ['recognition', 'Recognition'],
      ['attributes', 'Emotion, age, gender, pose'],
      ['quality', 'Quality and smoothing'],
      ['liveness', 'Liveness'],
      ['stores', 'Stores'],
      ['video', 'Video'],
      ['training', 'Learning'],
      ['write-your-own', 'Write your own part'],
      ['write-your-own-store', 'Write your own store'],
    ),
  },
  {
    title: 'Running it',
    pages: guides(
      ['cli', 'The command line'],
      'backends',
      ['workers', 'Workers'],
      'models',
      ['getting-models', 'Getting models'],
      ['bundlers', 'Bundlers and frameworks'],
      'errors',
    ),
  },
  {
    title: 'A whole app',
    pages: guides(['web-app', 'The page'], ['threat-model', 'Threat model']),
  },
  {
    title: 'Background',
    pages: [
      ...guides(['thresholds', 'Choosing thresholds'], ['privacy', 'Privacy and law'], 'performance', 'sizing'),
      { file: 'CONTRIBUTING.md', slug: 'guide/contributing' },
      { file: 'CHANGELOG.md', slug: 'guide/changelog' },
    ],
  },
  {
    title: 'Model cards',
    pages: cards(
      'mtcnn',
      'dlib-resnet-128',
      'facenet-512',
      'emotion-mini-xception',
      'age-gender-tiny-xception',
      'antispoof',
      'livenessnet',
    ),
  },
]
