import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { OtpForm } from './OtpForm';
import './style.css';

createRoot(document.getElementById('root') as HTMLElement).render(
  <StrictMode>
    <main>
      <OtpForm />
    </main>
  </StrictMode>,
);
