const longest = 200

/** For messages: what a task passes may be called by a name of any length. */
export const shortened = (text: string): string => (text.length > longest ? `${text.slice(0, longest)}…` : text)
