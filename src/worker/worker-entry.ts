import { callingSide, holdLock } from '#platform/worker-port'
import { serve } from './serve.ts'

// Runs in a worker. The listener is set before anything is awaited: what is sent before that is lost.
serve(callingSide(), holdLock)
