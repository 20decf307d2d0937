// Plug-ins of Stryker: one leaves out texts that are only ever read by people, one prints what survives as it does.
import { relative } from 'node:path'

const isErrorCall = (path) =>
  (path.isNewExpression() && path.node.callee.name?.endsWith('Error')) ||
  (path.isCallExpression() && path.node.callee.type === 'Super')

const isInspection = (path) => path.isClassMethod() && path.node.computed && path.node.key.name?.toLowerCase().includes('inspect')

const texts = {
  shouldIgnore(path) {
    if (isInspection(path)) return 'what util.inspect shows'
    if (!path.isStringLiteral() && !path.isTemplateLiteral()) return undefined
    return path.findParent(isErrorCall) === null ? undefined : 'the words of an error'
  },
}

class Survivors {
  onMutantTested({ fileName, location, replacement, status }) {
    if (status !== 'Survived' && status !== 'NoCoverage') return
    const { line, column } = location.start
    console.log(`${status}: ${relative('', fileName)}:${line}:${column}  =>  ${replacement}`)
  }
}

export const strykerPlugins = [
  { kind: 'Ignore', name: 'texts', value: texts },
  { kind: 'Reporter', name: 'survivors', injectableClass: Survivors },
]
