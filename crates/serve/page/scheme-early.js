// Before anything is drawn: the colours chosen last time, so that the page does not flash in others. The one thing that is kept in the browser.
try {
  const chosen = localStorage.getItem('osteon-scheme');
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.scheme = chosen;
} catch {
  // Storage is forbidden: the system's colours it is.
}
