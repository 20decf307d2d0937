/**
 * A new element. Texts are set as text: nothing that a task is called can become markup.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} [className]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export const element = (tag, className = '', ...children) => {
  const made = document.createElement(tag)
  if (className !== '') made.className = className
  made.append(...children)
  return made
}

/** Touches the page only where something changes. @param {Element} target @param {string} text */
export const setText = (target, text) => {
  if (target.textContent !== text) target.textContent = text
}

/** The element of index.html. @param {string} id @returns {HTMLElement} */
export const byId = (id) => {
  const found = document.getElementById(id)
  if (found === null) throw new Error(`no #${id}`)
  return found
}
