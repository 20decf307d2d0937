// A plug-in of Stryker: leaves out texts that are only ever read by people.

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

export const strykerPlugins = [{ kind: 'Ignore', name: 'texts', value: texts }]
