import { byId } from './element.js'

/** Shows a text beside the pointer. @param {string} text @param {number} x @param {number} y */
export const showTip = (text, x, y) => {
  const tip = byId('tip')
  tip.textContent = text
  tip.hidden = false
  const { width, height } = tip.getBoundingClientRect()
  tip.style.left = `${Math.max(4, Math.min(x + 12, innerWidth - width - 4))}px`
  tip.style.top = `${y + 18 + height > innerHeight ? y - height - 12 : y + 18}px`
}

export const hideTip = () => {
  byId('tip').hidden = true
}
