/** Takes what a pool prints of errors outside of any task; what is printed besides is wrong. */
export const catchStrays = (): { readonly strays: readonly string[]; readonly wrong: readonly string[] } => {
  const strays: string[] = []
  const wrong: string[] = []
  console.error = (...printed: unknown[]) => {
    const [text, error] = printed
    const message = error instanceof Error ? error.message : ''
    const isStray = String(text).includes('outside of any task') && message.startsWith('left behind ')
    if (!isStray) wrong.push(`printed: ${printed.map(String).join(' ')}`)
    else if (strays.includes(message)) wrong.push(`told twice of what was ${message}`)
    else strays.push(message)
  }
  return { strays, wrong }
}
