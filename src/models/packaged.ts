import ageGender from '../../models/age-gender-tiny-xception/manifest.json' with { type: 'json' }
import antispoof from '../../models/antispoof/manifest.json' with { type: 'json' }
import dlibResnet from '../../models/dlib-resnet-128/manifest.json' with { type: 'json' }
import emotion from '../../models/emotion-mini-xception/manifest.json' with { type: 'json' }
import livenessnet from '../../models/livenessnet/manifest.json' with { type: 'json' }
import mtcnn from '../../models/mtcnn/manifest.json' with { type: 'json' }

/** The models that come with the package, by name. Their manifests are code; their files lie in the package's folder `models`. */
export const packagedManifests = {
  mtcnn,
  'dlib-resnet-128': dlibResnet,
  'emotion-mini-xception': emotion,
  'age-gender-tiny-xception': ageGender,
  antispoof,
  livenessnet,
} as const

/** The name of a model that comes with the package. */
export type PackagedName = keyof typeof packagedManifests
