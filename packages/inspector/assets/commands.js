const token = new URLSearchParams(location.hash.slice(1)).get('token')

/** Whether this page may do something. */
export const mayWrite = token !== null

/**
 * Sends a command. Rejects with what the server says where it refuses.
 * @param {string} path
 */
export const command = async (path) => {
  const response = await fetch(path, { method: 'POST', headers: { authorization: `Bearer ${token}` } })
  if (!response.ok) throw new Error((await response.text()).trim())
  return response
}

/** Lets the browser save it. @param {Blob} blob @param {string} name */
export const save = (blob, name) => {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = name
  link.click()
  URL.revokeObjectURL(link.href)
}
