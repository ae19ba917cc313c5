import dlibResnet from '../../models/dlib-resnet-128/manifest.json' with { type: 'json' }
import mtcnn from '../../models/mtcnn/manifest.json' with { type: 'json' }

/** The models that come with the package, by name. Their manifests are code; their files lie in the package's folder `models`. */
export const packagedManifests = { mtcnn, 'dlib-resnet-128': dlibResnet } as const

/** The name of a model that comes with the package. */
export type PackagedName = keyof typeof packagedManifests
