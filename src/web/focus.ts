/**
 * Keeps the focus, for people who use the keyboard, while the page changes. For that, a button that cannot be used
 * for a while is marked `aria-disabled`: a disabled one would lose the focus.
 */

/** Draws, then gives the focus back to the element that had it; if that is gone, to the first button of its card. */
export function keepFocus(draw: () => void): void {
  const focused = document.activeElement
  const card = focused?.closest('article')
  draw()
  if (!(focused instanceof HTMLElement) || document.activeElement === focused) return
  const next = focused.isConnected ? focused : card?.querySelector('button')
  // The person may have scrolled elsewhere.
  next?.focus({ preventScroll: true })
}

/** Stops clicks on buttons below `root` that are marked `aria-disabled`. */
export function keepClicksFromIdle(root: HTMLElement): void {
  root.addEventListener(
    'click',
    (event) => {
      const { target } = event
      if (!(target instanceof Element) || !target.closest('[aria-disabled="true"]')) return
      event.stopPropagation()
      event.preventDefault()
    },
    { capture: true },
  )
}
