/** The steps of the cascade, and what each does, in two sentences. */

/** The steps in their order, by the names of the stages. */
export const STEP_NAMES = ['pyramid', 'windows', 'suppressed', 'regressed', 'refined', 'output'] as const
export type StepName = (typeof STEP_NAMES)[number]

/** What can be looked at: the steps, and the landmarks that come with the last one. */
export type ViewName = StepName | 'landmarks'

export interface Explanation {
  readonly name: ViewName
  readonly title: string
  /** What is counted. */
  readonly unit: string
  readonly text: string
}

export const EXPLANATIONS: readonly Explanation[] = [
  {
    name: 'pyramid',
    title: 'Pyramid',
    unit: 'level',
    text:
      'The picture is scaled down again and again, so that a face of any size is 12 pixels high in one of the copies. ' +
      'The smallest face sets the largest copy, and with it nearly all of the time.',
  },
  {
    name: 'windows',
    title: 'P-Net windows',
    unit: 'window',
    text:
      'A network of some 6,600 weights looks at every 12 x 12 window of every copy and keeps what might be a face. ' +
      'It is fast and credulous: it should miss nothing, and the next networks sort out the rest.',
  },
  {
    name: 'suppressed',
    title: 'After suppression',
    unit: 'window',
    text:
      'Around a face many windows answer, so of those that overlap only the best one stays (non-maximum suppression). ' +
      'First within each copy, then over all of them.',
  },
  {
    name: 'regressed',
    title: 'After regression',
    unit: 'box',
    text:
      'P-Net also says how far each edge of its window is off; here the edges are moved there. ' +
      'Then each box becomes a square around the same centre, which is what the next network takes.',
  },
  {
    name: 'refined',
    title: 'R-Net',
    unit: 'box',
    text:
      'A larger network looks at each box again at 24 x 24 pixels, throws most of them out and moves the edges of the rest. ' +
      'What still overlaps is thinned out once more.',
  },
  {
    name: 'output',
    title: 'O-Net',
    unit: 'face',
    text:
      'The largest network sees what is left at 48 x 48 pixels and decides. ' +
      'Its boxes are the answer: no longer squares, but as wide and high as the face.',
  },
  {
    name: 'landmarks',
    title: 'Landmarks',
    unit: 'point',
    text:
      'With each face O-Net gives five points: eyes, nose and the corners of the mouth. ' +
      'By them a face is turned upright before it is recognised.',
  },
]
