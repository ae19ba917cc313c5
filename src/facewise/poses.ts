import { estimatePose, type HeadPose, type LocateFaces, steadyLandmarks } from '../attributes/index.ts'
import type { Face } from '../detect/index.ts'
import type { Picture } from '../image/index.ts'

/** What MTCNN is told to find in a crop, where a face has some 70 pixels, whatever it was told to look for in pictures. */
export const IN_CROP = { minFaceSize: 40, maxFaceSize: 144 } as const

/**
 * The pose of each face of one picture; nothing for a face without landmarks. These are looked for again in upright crops, since those of one
 * look are worse (`steadyLandmarks`): for a photo, not for every frame of a video.
 */
export async function posesOf(
  picture: Picture,
  faces: readonly Face[],
  locate: LocateFaces,
): Promise<(HeadPose | undefined)[]> {
  const poses: (HeadPose | undefined)[] = []
  for (const { landmarks } of faces) {
    poses.push(landmarks && estimatePose(await steadyLandmarks(picture, landmarks, locate)))
  }
  return poses
}
