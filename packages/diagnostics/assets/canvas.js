/** @typedef {{ pen: CanvasRenderingContext2D, width: number, height: number, colour: (name: string) => string }} Sheet */

/** An empty canvas of this height and its own width, to draw on in CSS pixels. @param {HTMLCanvasElement} canvas @param {number} height @returns {Sheet} */
export const sheetOf = (canvas, height) => {
  const scale = devicePixelRatio
  const width = canvas.clientWidth
  canvas.width = Math.round(width * scale)
  canvas.height = Math.round(height * scale)
  canvas.style.height = `${height}px`
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'))
  pen.scale(scale, scale)
  const style = getComputedStyle(canvas)
  pen.font = `11px ${style.fontFamily}`
  pen.textBaseline = 'middle'
  return { pen, width, height, colour: (name) => style.getPropertyValue(`--${name}`) }
}

/** @param {string} outcome */
export const colourOf = (outcome) => (['failed', 'cancelled', 'unfinished'].includes(outcome) ? outcome : 'task')

/** @param {string} id */
export const canvasOf = (id) => /** @type {HTMLCanvasElement} */ (document.getElementById(id))
