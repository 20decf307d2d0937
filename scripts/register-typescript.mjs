// Preloaded with --import: lets a Node that does not strip types itself (20), or does not know `using` (22), run the
// TypeScript sources.
import { register } from 'tsx/esm/api'

const knowsUsing = () => {
  try {
    new Function('{ using nothing = null }')
    return true
  } catch {
    return false
  }
}

if (!process.features.typescript || !knowsUsing()) register()
