import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const { PORT = '3001' } = process.env;

export default defineConfig({
  root: 'client',
  plugins: [react()],
  build: { outDir: '../dist/client', emptyOutDir: true },
  // The browser then uses one origin, as in production: the session cookie and `same-origin.ts` need that.
  server: { proxy: { '/api': `http://127.0.0.1:${PORT}` } },
});
