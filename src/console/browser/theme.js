// Applies the chosen light or dark before anything is drawn, so that no page flashes in the other one.
// Runs alone and at once; everything else is a module.

(() => {
  try {
    const theme = localStorage.getItem('unwind-theme');
    if (theme !== null) document.documentElement.dataset['theme'] = theme;
  } catch {
    // Storage can be forbidden; the page then follows the system.
  }
})();
