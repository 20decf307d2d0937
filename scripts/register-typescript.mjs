// Preloaded with --import: lets a Node that does not strip types itself (20) run the TypeScript sources.
import { register } from 'tsx/esm/api'

if (!process.features.typescript) register()
